"""Small demo data for the tests that run models, and the demo's configs on it."""

import importlib
import warnings
from pathlib import Path
from unittest.mock import patch

import pytest

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.datasets.demo import DemoRecipe, make_demo_data
from swin_dense.engine.settings import load_config

with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    importlib.import_module('mmseg.models')
    importlib.import_module('mmdet.models')

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'demo' / 'comparison'


@pytest.fixture(scope='session')
def demo_config(tmp_path_factory):
    """Load a config of configs/demo/comparison by its stem, on data of 12 training and 6 test images."""
    folder = tmp_path_factory.mktemp('demo')
    make_demo_data(folder / 'data', DemoRecipe(num_train=12, num_val=6))

    def load(stem):
        with patch.dict('os.environ', {'SWIN_DENSE_DEMO': str(folder)}):
            return load_config(CONFIGS / f'{stem}.py')

    return load
