"""Loading ahead, grouping and finishing behind: order, limits, errors."""

import threading
import time

import pytest

from swin_dense.inference.stream import Finishing, grouped, loaded_ahead


def test_loading_is_in_order_and_ahead() -> None:
    begun: list[int] = []

    def load(number: int) -> int:
        begun.append(number)
        time.sleep(0.002 * (number % 3))
        return number * number

    stream = loaded_ahead(range(50), load, num_threads=3)
    assert next(stream) == (0, 0)
    time.sleep(0.1)
    assert 3 < len(begun) < 12  # ahead, and not without limit
    assert [(0, 0), *stream] == [(number, number**2) for number in range(50)]


@pytest.mark.parametrize('budget', [1, 25, 1000])
def test_loaded_bytes_stay_within_the_budget(budget: int) -> None:
    lock, held, most = threading.Lock(), [0], [0]

    def load(size: int) -> int:
        with lock:
            held[0] += size
            most[0] = max(most[0], held[0])
        return size

    sizes = [10, 3, 40, 1, 10, 10, 10, 2] * 5
    for size, _ in loaded_ahead(sizes, load, num_threads=4, size_of=lambda size: size, budget_bytes=budget):
        with lock:
            held[0] -= size
    # the image that is given out counts here until the next one is asked for
    assert most[0] <= max(budget, 40) + 40
    assert most[0] >= min(budget, 40)


def test_an_error_of_loading_reaches_the_reader_and_threads_end() -> None:
    def load(number: int) -> int:
        if number == 5:
            raise OSError('gone')
        return number

    before = threading.active_count()
    stream = loaded_ahead(range(100), load, num_threads=2, size_of=lambda _: 10, budget_bytes=15)
    found = []
    with pytest.raises(OSError, match='gone'):
        found.extend(number for number, _ in stream)
    assert threading.active_count() == before


def test_leaving_early_ends_the_threads() -> None:
    before = threading.active_count()
    stream = loaded_ahead(range(100), lambda each: each, num_threads=4, size_of=lambda _: 10, budget_bytes=10)
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_groups_are_of_one_key_and_full() -> None:
    items = [(number % 3, number) for number in range(30)]
    batches = list(grouped(items, key=lambda item: item[0], limit=lambda key: 4))
    assert sorted(item for batch in batches for item in batch) == sorted(items)
    assert all(len({key for key, _ in batch}) == 1 for batch in batches)
    assert [len(batch) for batch in batches] == [4] * 6 + [2] * 3


def test_nothing_waits_for_long_and_items_without_key_not_at_all() -> None:
    given: list[int] = []

    def items():
        for number in range(200):
            yield ('rare' if number == 0 else None if number == 7 else number % 40), number
            given.append(number)

    for batch in grouped(items(), key=lambda item: item[0], limit=lambda key: 100, max_waiting=20):
        for key, number in batch:
            if key is None:
                assert len(given) == number == 7
            assert len(given) - number <= 21
    assert len(given) == 200


def test_finishing_in_order_with_few_waiting() -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.001)
        with lock:
            running[0] -= 1
        return number

    finishing: Finishing = Finishing(3, 4)
    found = []
    for number in range(40):
        found += finishing.submit(lambda number=number: work(number))
        assert number - len(found) <= 4
    found += finishing.drain()
    finishing.close()
    assert found == list(range(40))
    assert 1 < most[0] <= 3


@pytest.mark.parametrize('threads', [0, 2])
def test_an_error_of_finishing_is_raised(threads: int) -> None:
    finishing: Finishing = Finishing(threads, 0)

    def fail() -> None:
        raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'):
        list(finishing.submit(fail))
    finishing.close()


def test_without_threads_all_is_done_where_it_is_asked_for() -> None:
    names = []
    main = threading.current_thread().name

    def work(number: int) -> int:
        names.append(threading.current_thread().name)
        return number

    finishing: Finishing = Finishing(0, 0)
    for number, loaded in loaded_ahead(range(5), work, num_threads=0):
        assert list(finishing.submit(lambda loaded=loaded: work(loaded))) == [number]
    finishing.close()
    assert names == [main] * 10


def test_a_rare_key_does_not_wait_behind_full_batches() -> None:
    items = [('rare', 0), *(('usual', number) for number in range(1, 1000))]
    for position, batch in enumerate(grouped(items, key=lambda item: item[0], limit=lambda key: 2, max_waiting=20)):
        if batch[0][0] == 'rare':
            assert position < 15
            return
    raise AssertionError('the rare one never came')
