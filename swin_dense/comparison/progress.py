"""What a comparison shows while its runs are made: a line for every change, and how much is done."""

import sys
import time
from collections.abc import Mapping, Sequence

from tqdm import tqdm

from swin_dense.comparison.collecting import last_step
from swin_dense.comparison.execution import FAILED, FINISHED, FINISHED_BEFORE
from swin_dense.comparison.plan import PlannedRun

_SECONDS_BETWEEN_LOOKS = 2.0


def training_length(train_cfg: Mapping | None) -> tuple[int, bool]:
    """How long a config trains, and whether that number is of epochs instead of iterations."""
    values = train_cfg or {}
    if values.get('max_iters'):
        return int(values['max_iters']), False
    return int(values.get('max_epochs') or 0), True


def fraction_done(run: PlannedRun) -> float:
    """Of a run's training, from its log; testing counts as the last twentieth."""
    length, is_epochs = training_length(run.model.cfg.get('train_cfg'))
    step, epoch = last_step(run.folder)
    done = max((epoch or 1) - 1, 0) if is_epochs else step
    return 0.95 * min(done / length, 1.0) if length else 0.0


class Progress:
    """A bar on a terminal, lines elsewhere; rate and time left are of the runs that are made, not of those that were.

    Args:
        runs: all of the comparison.
    """

    def __init__(self, runs: Sequence[PlannedRun]) -> None:
        self._total, self._ended, self._made = len(runs), 0, 0
        self._start = time.monotonic()
        self._next_look = 0.0
        self._bar = tqdm(
            total=self._total,
            desc='runs',
            disable=not sys.stderr.isatty(),
            bar_format='{desc}: {percentage:3.0f}% |{bar}| {n:.1f}/{total} [{elapsed}] {postfix}',
        )

    def told(self, run: PlannedRun, what: str) -> None:
        """Say what became of a run."""
        made = what == FINISHED or what.startswith(FAILED)
        self._made += made
        self._ended += made or what == FINISHED_BEFORE
        left = f'; {self._left(self._made)}' if made else ''
        line = f'{time.strftime("%H:%M:%S")}  {run.title}: {what} ({self._ended}/{self._total} ended{left})'
        tqdm.write(line, file=sys.stderr)
        sys.stderr.flush()

    def idle(self, running: Sequence[PlannedRun]) -> None:
        """Move the bar by what the running ones have logged."""
        if self._bar.disable or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        parts = sum(map(fraction_done, running))
        self._bar.n = self._ended + parts
        titles = ', '.join(run.title for run in running[:3])
        self._bar.set_postfix_str(f'{self._left(self._made + parts)}; {titles}', refresh=True)

    def close(self) -> None:
        self._bar.close()

    def _left(self, made: float) -> str:
        """Time left, by what was made in this command; runs in parts count as such."""
        if made <= 0:
            return 'time left unknown'
        seconds = (time.monotonic() - self._start) / made
        left = self._total - self._ended + self._made - made
        return f'{duration(seconds)} a run, about {duration(seconds * left)} left'


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 5400 else f'{seconds / 3600:.1f} h'
