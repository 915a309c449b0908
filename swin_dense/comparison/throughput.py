"""Images a second at the batch that suits each model best, all models measured in turns."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from swin_dense.comparison.interleaving import Clock, Subject, Timings, interleaved, warmed

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
_MIN_ROUNDS = 3
_FALLEN = 0.97  # of the best so far: less is a fall, and no noise


@dataclass(frozen=True)
class Throughput:
    """Of one model.

    Attributes:
        batch: of the most images a second; None where there was no memory for the smallest one.
        images_per_second: at that batch, the median over rounds.
        quartile_range: of it between rounds, in images a second.
        tried: batches that were measured.
        stopped: why no larger one was.
    """

    batch: int | None
    images_per_second: float | None
    quartile_range: float | None
    tried: tuple[int, ...]
    stopped: str


def best_throughput(
    models: Mapping[str, Callable[[int], Subject]],
    *,
    batches: Sequence[int] = BATCHES,
    seconds: float,
    fits: Callable[[str, int], bool] = lambda name, batch: True,
    clock: Clock = time.perf_counter,
) -> dict[str, Throughput]:
    """Try growing batches, each with all models that still gain from them.

    Args:
        models: name -> what makes a subject that runs a batch of so many images.
        batches: numbers of images, ascending.
        seconds: of each model at each batch; a model of which a single batch takes longer tries no larger one.
        fits: whether (name, batch) may be tried at all, where running out of memory would end the process.
        clock: gives seconds.
    """
    searches = {name: _Search() for name in models}
    for batch in batches:
        subjects = {}
        for name, search in searches.items():
            if search.stopped:
                continue
            subject = models[name](batch)
            search.stopped = _reason_against(subject, fits(name, batch), batch, search, seconds, clock)
            if not search.stopped:
                subjects[name] = subject
        if subjects:
            for name, timings in interleaved(subjects, seconds=seconds, min_rounds=_MIN_ROUNDS, clock=clock).items():
                searches[name].add(batch, timings)
    return {name: search.found for name, search in searches.items()}


def _reason_against(subject: Subject, fits: bool, batch: int, search: '_Search', seconds: float, clock: Clock) -> str:
    """Why a batch cannot be timed, '' where it can: it was run, and is warm."""
    try:
        taken = warmed(subject, clock=clock) if fits else None
    except Exception as error:  # of one model: the others are timed all the same
        return f'a batch of {batch} failed: {type(error).__name__}: {error}'
    if taken is None:
        return f'there was not enough memory for a batch of {batch}'
    search.is_long = taken > seconds
    return ''


class _Search:
    """What is known of one model."""

    def __init__(self) -> None:
        self.stopped = ''
        self.is_long = False
        self._found: dict[int, Throughput] = {}

    def add(self, batch: int, timings: Timings) -> None:
        best = self._best
        # of each round, since the quartiles of a quotient are not the quotient of quartiles
        rates = Timings(tuple((batch / median,) for median in timings.medians))
        self._found[batch] = Throughput(batch, rates.median, rates.quartile_range, (), '')
        if best is not None and rates.median < _FALLEN * (best.images_per_second or 0):
            self.stopped = f'a batch of {batch} gave fewer images a second'
        elif self.is_long:
            self.stopped = f'a batch of {batch} took longer than the time for it'

    @property
    def found(self) -> Throughput:
        stopped = self.stopped or 'there was no larger batch to try'
        best = self._best or Throughput(None, None, None, (), '')
        return Throughput(best.batch, best.images_per_second, best.quartile_range, tuple(self._found), stopped)

    @property
    def _best(self) -> Throughput | None:
        return max(self._found.values(), key=lambda each: each.images_per_second or 0, default=None)
