"""Giving freed memory back to the system.

Batches of many sizes leave holes in the heap that the next ones do not fit into: without this, a run over some hundred
images grows by half of what it needs. The call takes a few milliseconds.
"""

import ctypes
import sys
import time

_SECONDS_BETWEEN = 0.05


class FreedMemory:
    """Returns it now and then; where the C library has no such call, does nothing."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None) if sys.platform == 'linux' else None
        self._trim = getattr(library, 'malloc_trim', None)  # of glibc
        self._last = time.monotonic()

    def give_back(self) -> None:
        if self._trim is not None and time.monotonic() - self._last > _SECONDS_BETWEEN:
            self._trim(0)
            self._last = time.monotonic()
