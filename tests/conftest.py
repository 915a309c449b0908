"""Loaded before every test file: fills in for an mmcv without compiled operators, and fixes threads and seeds."""

import importlib
import random
import warnings

import numpy as np
import pytest
import torch

import swin_dense  # noqa: F401 - first: mmdet imports only after it

with warnings.catch_warnings():
    # pytest turns warnings into errors; what other packages warn of while they are imported is not ours to mend
    warnings.simplefilter('ignore')
    importlib.import_module('mmengine.model')

pytest.register_assert_rewrite('tests.contract', 'tests.contract_traced')
torch.set_num_threads(1)  # models here are tiny: more threads cost more than they give, and round otherwise


@pytest.fixture(autouse=True)
def _seed():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
