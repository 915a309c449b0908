"""Times in turns: on a machine with a clock of its own, whose speed drifts."""

import statistics

import pytest
import torch

from swin_dense.comparison.interleaving import Timings, interleaved, warmed
from swin_dense.comparison.throughput import best_throughput

FACTOR = 1.7


class DriftingMachine:
    """Its clock goes on by the work done, and work takes longer and longer."""

    def __init__(self, drift: float) -> None:
        self.now, self.drift = 0.0, drift

    def clock(self) -> float:
        return self.now

    def work(self, amount: float) -> None:
        self.now += amount * (1 + self.drift * self.now)


class Job:
    def __init__(self, machine: DriftingMachine, amount: float, log: list | None = None, name: str = '') -> None:
        self.machine, self.amount, self.log, self.name = machine, amount, log, name

    def prepare(self) -> float:
        self.machine.now += 0.01  # untimed, whatever it takes
        return self.amount

    def run(self, prepared: float) -> None:
        self.machine.work(prepared)
        if self.log is not None:
            self.log.append(self.name)


def ratio(found: dict[str, Timings]) -> float:
    return found['slow'].median / found['fast'].median


def test_planted_factor_under_drift():
    """A machine that slows down to a third: in turns the factor is found, one after the other it is not."""
    machine = DriftingMachine(0.05)
    jobs = {'fast': Job(machine, 0.03), 'slow': Job(machine, 0.03 * FACTOR)}
    turns = interleaved(jobs, seconds=15, clock=machine.clock)
    assert machine.drift * machine.now > 1
    assert ratio(turns) == pytest.approx(FACTOR, rel=0.02)

    machine = DriftingMachine(0.05)
    jobs = {'fast': Job(machine, 0.03), 'slow': Job(machine, 0.03 * FACTOR)}
    apart = {name: interleaved({name: job}, seconds=15, clock=machine.clock)[name] for name, job in jobs.items()}
    assert ratio(apart) > 1.3 * FACTOR


def test_order_rotates():
    machine, log = DriftingMachine(0), []
    jobs = {name: Job(machine, 0.1, log, name) for name in 'ABC'}
    found = interleaved(jobs, seconds=0, min_rounds=4, runs_a_round=1, clock=machine.clock)
    assert len(log) == 6 * 3 * 2  # an untimed and a timed run each
    assert [''.join(log[place : place + 6 : 2]) for place in range(0, 36, 6)] == ['ABC', 'BCA', 'CAB'] * 2
    assert all(
        len(each.rounds) == 6
        for each in found.values()  # the least number of rounds in which all have been everywhere
    )


def test_time_and_rounds():
    """Short runs fill the seconds, four to a round; long ones get five rounds of one after the first."""
    machine = DriftingMachine(0)
    short = interleaved({'a': Job(machine, 0.01)}, seconds=2, clock=machine.clock)['a']
    assert {len(each) for each in short.rounds} == {4}
    assert len(short.rounds) == pytest.approx(2 / 0.1, abs=2)
    long = interleaved({'a': Job(machine, 10)}, seconds=2, clock=machine.clock)['a']
    assert [len(each) for each in long.rounds] == [4, 1, 1, 1, 1]


def test_statistics_of_timings():
    rounds = ((1.0, 3.0, 2.0), (4.0, 4.0, 10.0), (2.0, 2.0, 2.0), (3.0, 3.5, 3.0))
    timings = Timings(rounds)
    assert timings.medians == [2.0, 4.0, 2.0, 3.0]
    assert timings.median == statistics.median([2.0, 4.0, 2.0, 3.0])
    assert timings.quartile_range == 3.25 - 2.0  # by hand, between the values at a quarter and three quarters
    assert timings.p95 == 10.0
    assert Timings(((1.0,),)).quartile_range == 0.0


class OutOfMemoryAbove:
    """A model whose batches take `fixed + each * images`, and that has no memory for more than `limit` images."""

    def __init__(self, machine, fixed, each, limit, error):
        self.machine, self.fixed, self.each, self.limit, self.error = machine, fixed, each, limit, error

    def __call__(self, batch):
        return Batch(self, batch)


class Batch:
    def __init__(self, model, images):
        self.model, self.images = model, images

    def prepare(self):
        return self.images

    def run(self, images):
        if images > self.model.limit:
            raise self.model.error
        self.model.machine.work(self.model.fixed + self.model.each(images))


@pytest.mark.parametrize(
    'error',
    [
        torch.OutOfMemoryError('CUDA out of memory'),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_memory_ends_the_search_of_one(error):
    """The others go on, and the one has the best of what it could."""
    machine = DriftingMachine(0)
    models = {
        'large': OutOfMemoryAbove(machine, 0.4, lambda batch: 0.1 * batch, 4, error),
        'small': OutOfMemoryAbove(machine, 0.4, lambda batch: 0.1 * batch, 99, error),
    }
    found = best_throughput(models, batches=(1, 2, 4, 8, 16), seconds=3, clock=machine.clock)
    assert found['large'].batch == 4
    assert found['large'].tried == (1, 2, 4)
    assert 'memory' in found['large'].stopped
    assert '8' in found['large'].stopped
    assert found['large'].images_per_second == pytest.approx(4 / 0.8)
    assert found['small'].batch == 16
    assert found['small'].images_per_second == pytest.approx(16 / 2.0)


def test_fall_ends_the_search():
    """Above four images a batch takes quadratic time."""
    machine = DriftingMachine(0)
    models = {'m': OutOfMemoryAbove(machine, 0.4, lambda batch: 0.1 * batch * max(1, batch / 4), 99, MemoryError())}
    found = best_throughput(models, batches=(1, 2, 4, 8, 16, 32), seconds=50, clock=machine.clock)['m']
    assert (found.batch, found.tried) == (4, (1, 2, 4, 8))
    assert 'fewer images' in found.stopped


def test_long_batches_and_what_does_not_fit():
    machine = DriftingMachine(0)
    model = OutOfMemoryAbove(machine, 0.4, lambda batch: 0.1 * batch, 99, MemoryError())
    found = best_throughput({'m': model}, batches=(1, 2, 4, 8, 16), seconds=0.7, clock=machine.clock)['m']
    assert found.tried == (1, 2, 4)
    assert 'longer' in found.stopped
    found = best_throughput({'m': model}, seconds=50, fits=lambda _, batch: batch < 4, clock=machine.clock)['m']
    assert found.tried == (1, 2)
    found = best_throughput({'m': model}, seconds=50, fits=lambda *_: False, clock=machine.clock)['m']
    assert (found.batch, found.images_per_second) == (None, None)


def test_other_errors_are_not_hidden():
    model = OutOfMemoryAbove(DriftingMachine(0), 0, lambda _: 0, 0, RuntimeError('sizes do not match'))
    with pytest.raises(RuntimeError, match='sizes'):
        warmed(model(1))
