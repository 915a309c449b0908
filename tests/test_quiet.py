"""Log messages are kept back in a block, and the caller's own setting comes back."""

import contextlib
import logging

import pytest

from swin_dense.quiet import quieter


@pytest.mark.parametrize('before', [logging.NOTSET, logging.INFO, logging.CRITICAL])
def test_the_level_of_the_caller_comes_back(before, caplog):
    logging.disable(before)
    try:
        with contextlib.suppress(KeyError), quieter(logging.WARNING):
            assert logging.root.manager.disable == max(before, logging.WARNING)
            logging.getLogger('any').warning('kept back')
            raise KeyError
        assert logging.root.manager.disable == before
    finally:
        logging.disable(logging.NOTSET)
    assert caplog.messages == []
