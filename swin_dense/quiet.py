"""Log messages that a block of code is to keep to itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quieter(level: int) -> Iterator[None]:
    """Keep log messages up to `level` from all loggers in the block; one that disabled more before keeps that."""
    before = logging.root.manager.disable
    logging.disable(max(before, level))
    try:
        yield
    finally:
        logging.disable(before)
