import itertools

import pytest
import torch

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.engine.runner import Runner
from swin_dense.engine.settings import restored_scope
from tests.engine import toys  # noqa: F401 - registers

_number = itertools.count()


@pytest.fixture
def build():
    """Build a runner from a config; its default scope goes away with the test."""
    with restored_scope():
        threads = torch.get_num_threads()

        def make(cfg):
            # mmengine keys loggers and message hubs by name and second: two runs in one second would share them
            cfg.experiment_name = f'toy{next(_number)}'
            return Runner.from_cfg(cfg)

        yield make
        torch.set_num_threads(threads)
