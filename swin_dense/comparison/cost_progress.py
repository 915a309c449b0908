"""How far the measurement of costs is: a line for each part, with the time that is left."""

import sys
import time
from collections.abc import Callable
from datetime import timedelta


class CostProgress:
    """Lines on stderr.

    Args:
        planned: seconds that the parts to come are expected to take; what they do take corrects the rest.
    """

    def __init__(self, planned: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._planned, self._done, self._clock, self._start = planned, 0.0, clock, clock()

    def begin(self, text: str) -> None:
        print(f'costs: {text}{self._left()}', file=sys.stderr, flush=True)

    def warn(self, name: str, reason: str) -> None:
        print(f'warning: costs of {name}: {reason}', file=sys.stderr, flush=True)

    def end(self, planned: float) -> None:
        """A part that was planned to take so many seconds is done."""
        self._done += planned

    def seconds_left(self) -> float:
        left = max(self._planned - self._done, 0.0)
        # the plan alone at first, later what its seconds turned out to be
        return left * (self._clock() - self._start) / self._done if self._done else left

    def _left(self) -> str:
        return f', about {timedelta(seconds=round(self.seconds_left()))} left'
