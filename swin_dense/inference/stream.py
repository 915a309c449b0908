"""Images on their way through loading, batching and finishing, with no more of them in memory than are worked on.

Threads load ahead and finish behind while the model works: decoding, resizing, drawing and encoding are done by
libraries that let other threads run meanwhile, and nothing has to be copied to another process.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar('Item')
Loaded = TypeVar('Loaded')
Result = TypeVar('Result')


class Budget:
    """Bytes of loaded images, given out in the order of the images, so that the next one needed is never shut out."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._used = 0
        self._next = 0
        self._closed = False
        self._changed = threading.Condition()

    def acquire(self, ticket: int, amount: int) -> None:
        """Wait for the turn of `ticket` (0, 1, ...) and for `amount` bytes; one image alone may take more than all."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._closed or (self._next == ticket and (self._used == 0 or self._used + amount <= self.total))
                )
            )
            self._used += amount
            self._next += 1
            self._changed.notify_all()

    def release(self, amount: int) -> None:
        with self._changed:
            self._used -= amount
            self._changed.notify_all()

    def close(self) -> None:
        """Let everyone through: nothing will be released any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def loaded_ahead(
    items: Iterable[Item],
    load: Callable[[Item], Loaded],
    *,
    num_threads: int,
    size_of: Callable[[Item], int] = lambda item: 0,
    budget_bytes: int = 1 << 30,
) -> Generator[tuple[Item, Loaded], None, None]:
    """(item, load(item)) in order, worked on by threads ahead of being asked for.

    Args:
        load: must not raise, but for what ends everything.
        num_threads: 0 loads in the caller's own.
        size_of: bytes that an item will take when it is loaded, asked before.
        budget_bytes: what loaded items that were not given out yet may take together.
    """
    if num_threads == 0:
        yield from ((item, load(item)) for item in items)
        return
    budget = Budget(budget_bytes)

    def work(ticket: int, item: Item) -> tuple[Loaded, int]:
        amount = 0
        try:
            amount = size_of(item)
        finally:
            budget.acquire(ticket, amount)
        return load(item), amount

    pending: deque[tuple[Item, Future]] = deque()
    pool = ThreadPoolExecutor(num_threads, thread_name_prefix='load')
    try:
        for ticket, item in enumerate(items):
            pending.append((item, pool.submit(work, ticket, item)))
            if len(pending) > 2 * num_threads:
                yield _next(pending, budget)
        while pending:
            yield _next(pending, budget)
    finally:
        budget.close()
        pool.shutdown(wait=True, cancel_futures=True)


def _next(pending: deque, budget: Budget) -> tuple:
    item, future = pending.popleft()
    loaded, amount = future.result()
    budget.release(amount)
    return item, loaded


def grouped(
    items: Iterable[Item],
    *,
    key: Callable[[Item], Hashable | None],
    limit: Callable[[Hashable], int],
    max_waiting: int = 64,
) -> Generator[list[Item], None, None]:
    """Batches of items of one key; no item waits for more than `max_waiting` others.

    Args:
        key: None for an item that goes alone and at once.
        limit: largest batch of a key.
    """
    waiting: OrderedDict[Hashable, list[Item]] = OrderedDict()  # the group of the oldest item first
    arrivals: dict[Hashable, int] = {}  # of the first item of each group
    for number, item in enumerate(items):
        item_key = key(item)
        if item_key is None:
            yield [item]
        else:
            arrivals.setdefault(item_key, number)
            group = waiting.setdefault(item_key, [])
            group.append(item)
            if len(group) >= limit(item_key):
                del arrivals[item_key]
                yield waiting.pop(item_key)
        while waiting and number - arrivals[oldest := next(iter(waiting))] >= max_waiting:
            del arrivals[oldest]
            yield waiting.pop(oldest)
    yield from waiting.values()


class Finishing(Generic[Item, Result]):
    """Work on results in threads, as far behind as `max_pending`; the first error is raised where work is handed in.

    Without threads the work is done where it is handed in.
    """

    def __init__(self, num_threads: int, max_pending: int) -> None:
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix='finish') if num_threads else None
        self._pending: deque[Future] = deque()
        self.max_pending = max_pending

    def submit(self, work: Callable[[], Result]) -> Iterator[Result]:
        """Hand in work; gives the results, in order, of earlier work that is done or has to be waited for."""
        if self._pool is None:
            yield work()
            return
        self._pending.append(self._pool.submit(work))
        while self._pending and (self._pending[0].done() or len(self._pending) > self.max_pending):
            yield self._pending.popleft().result()

    def drain(self) -> Iterator[Result]:
        while self._pending:
            yield self._pending.popleft().result()

    def close(self) -> None:
        """Finish what was begun, forget the rest."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
