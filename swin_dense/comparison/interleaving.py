"""Times of several models, measured in turns, so that what the machine does meanwhile hits all alike.

A processor that gets warm, or a neighbour that starts to work, makes whatever is measured then look slow. In rounds
A B C, B C A, C A B, ... each model is measured at the beginning, in the middle and at the end, and the median over
rounds forgets the rounds in which something else happened.
"""

import gc
import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

MIN_ROUNDS, MAX_ROUNDS, RUNS_A_ROUND = 5, 100, 4
Clock = Callable[[], float]


class Subject(Protocol):
    """What is timed."""

    def prepare(self) -> Any:
        """What `run` takes: made anew for each run, and not timed."""

    def run(self, prepared: Any) -> None:
        """Returns when all work is done, that of a GPU included."""


@dataclass(frozen=True)
class Timings:
    """Seconds of the runs of one subject, by round."""

    rounds: tuple[tuple[float, ...], ...]

    @property
    def medians(self) -> list[float]:
        """Of each round."""
        return [statistics.median(each) for each in self.rounds]

    @property
    def median(self) -> float:
        """Over rounds, of their medians."""
        return statistics.median(self.medians)

    @property
    def quartile_range(self) -> float:
        """Between the first and the third quarter of the rounds, of their medians; 0 of a single round."""
        if len(self.rounds) < 2:
            return 0.0
        first, _, third = statistics.quantiles(self.medians, n=4, method='inclusive')
        return third - first

    @property
    def p95(self) -> float:
        """The smallest time that 95 % of all runs do not exceed."""
        ordered = sorted(run for each in self.rounds for run in each)
        return ordered[-(-95 * len(ordered) // 100) - 1]


def interleaved(
    subjects: Mapping[str, Subject],
    *,
    seconds: float,
    min_rounds: int = MIN_ROUNDS,
    runs_a_round: int = RUNS_A_ROUND,
    clock: Clock = time.perf_counter,
) -> dict[str, Timings]:
    """Time all subjects in rounds whose order is rotated. They have to be warm (`warmed`).

    In a round each runs once untimed, since the one before has left its data in the caches, and then several times.

    Args:
        seconds: to go on for, for each subject, within `min_rounds` to 100 rounds; then until each has had each place
            in the order equally often.
        runs_a_round: that are timed, at most; fewer where runs are so long that five rounds would outlast `seconds`.
        clock: gives seconds.
    """
    names = list(subjects)
    times: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    runs = runs_a_round
    start = clock()
    for number in itertools.count():
        elapsed = clock() - start
        is_enough = number >= MAX_ROUNDS or (number >= min_rounds and elapsed >= seconds * len(names))
        if is_enough and number % len(names) == 0:
            break
        if number == 1 and elapsed * min_rounds > seconds * len(names):
            runs = 1
        for place in range(len(names)):
            name = names[(number + place) % len(names)]
            times[name].append(_timed(subjects[name], runs, clock))
    return {name: Timings(tuple(each)) for name, each in times.items()}


def _timed(subject: Subject, runs: int, clock: Clock) -> tuple[float, ...]:
    subject.run(subject.prepare())
    found = []
    for _ in range(runs):
        prepared = subject.prepare()
        start = clock()
        subject.run(prepared)
        found.append(clock() - start)
    return tuple(found)


def warmed(subject: Subject, *, runs: int = 2, clock: Clock = time.perf_counter) -> float | None:
    """Run a subject untimed: libraries choose kernels and take memory. Gives the seconds of the last run.

    None: there was not enough memory, and what was taken is given back.
    """
    taken = 0.0
    for _ in range(runs):
        if (found := _seconds_or_none(subject, clock)) is None:
            # only here, where the exception and the frames that it holds are gone, can their tensors be freed
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return None
        taken = found
    return taken


def _seconds_or_none(subject: Subject, clock: Clock) -> float | None:
    try:
        prepared = subject.prepare()
        start = clock()
        subject.run(prepared)
        return clock() - start
    except (torch.OutOfMemoryError, MemoryError):
        return None
    except RuntimeError as error:
        if "can't allocate memory" in str(error):  # of torch's allocator on a CPU, which has no class for it
            return None
        raise
