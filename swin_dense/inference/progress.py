"""How far a run over files is: a bar on a terminal, lines in a log."""

import sys
import time

from tqdm import tqdm

from swin_dense.inference.worker import Outcome

_SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """Images a second, time left and failures so far: a bar on a terminal, else a line now and then.

    Args:
        total: items of all; None where a video does not say.
        before: that were done before.
        quiet: lines, also on a terminal.
        failed: inputs that failed before anything was predicted.
    """

    def __init__(self, total: int | None, before: int, *, quiet: bool, failed: int) -> None:
        self.count = 0
        self.failed = failed
        self._start = self._last_line = time.monotonic()
        self._total, self._before = total, before
        as_bar = sys.stderr.isatty() and not quiet
        self._bar = tqdm(total=total, initial=before, unit='image', dynamic_ncols=True) if as_bar else None

    def __enter__(self) -> 'Progress':
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, outcome: Outcome) -> None:
        if outcome.reason is None:
            self.count += 1
        else:
            self.failed += 1
        if self._bar is not None:
            if outcome.reason is not None:
                self._bar.write(f'{outcome.item.shown}: {outcome.reason}', file=sys.stderr)
            self._bar.set_postfix_str(f'{self.failed} failed', refresh=False)
            self._bar.update()
        elif time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            print(self.text(), file=sys.stderr, flush=True)

    def text(self) -> str:
        rate = self.count / max(time.monotonic() - self._start, 1e-9)
        done = self._before + self.count + self.failed
        of = '' if self._total is None else f' of {self._total}'
        left = '' if self._total is None or not rate else f', {_clock((self._total - done) / rate)} left'
        return f'{done}{of} images, {rate:.1f} images/s{left}, {self.failed} failed'


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{rest:02}'
