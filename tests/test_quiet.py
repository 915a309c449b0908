"""Messages are kept back in a block, and the caller's own setting comes back."""

import contextlib
import logging
import warnings

import pytest
from mmengine.logging import MMLogger

from swin_dense.quiet import quiet_imports, quieter


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


def test_loggers_of_mmengine_are_quiet_too():
    logger = MMLogger('of_a_test', logger_name='of_a_test')
    MMLogger._instance_dict['of_a_test'] = logger
    try:
        assert logger.isEnabledFor(logging.INFO)  # and remembers it
        with quieter(logging.INFO):
            assert not logger.isEnabledFor(logging.INFO)
        assert logger.isEnabledFor(logging.INFO)
    finally:
        del MMLogger._instance_dict['of_a_test']


def test_notices_of_imports_are_kept_back(capsys):
    with quiet_imports():
        print('Could not import a part')
        warnings.warn('of a part', stacklevel=1)
    assert capsys.readouterr().out == ''
