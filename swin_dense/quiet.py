"""What a block of code is to keep to itself: log messages, warnings, notices."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.logging import MMLogger


@contextmanager
def quieter(level: int) -> Iterator[None]:
    """Keep log messages up to `level` from all loggers in the block; one that disabled more before keeps that."""
    before = logging.root.manager.disable
    _disable(max(before, level))
    try:
        yield
    finally:
        _disable(before)


def _disable(level: int) -> None:
    logging.disable(level)
    for logger in MMLogger._instance_dict.values():  # which logging does not know, and which remember what they log
        logger._cache.clear()


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Keep what libraries say while names are looked up in them: of parts that are not installed, of empty scopes."""
    with quieter(logging.WARNING), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        yield
