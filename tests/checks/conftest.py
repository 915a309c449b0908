"""Imported before the test files: mmdet and mmseg warn of themselves while they are imported."""

import importlib
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.datasets.demo import DemoRecipe, make_demo_data
from swin_dense.registry import MODELS

with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    importlib.import_module('mmseg.models')
    importlib.import_module('mmdet.models')

BACKBONE = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'backbones' / 'swin_demo.py'


@pytest.fixture(scope='session')
def sound_data(tmp_path_factory):
    """A small demo data set that is not to be changed: FOLDER/data/{detection,segmentation}."""
    folder = tmp_path_factory.mktemp('sound')
    make_demo_data(folder / 'data', DemoRecipe(num_train=24, num_val=8))
    # the segmentor's checkpoint, whose backbone the demo's detector starts from
    backbone = MODELS.build(Config.fromfile(BACKBONE).backbone)
    (folder / 'segmentation').mkdir()
    weights = {f'backbone.{name}': value for name, value in backbone.state_dict().items()}
    torch.save({'state_dict': weights}, folder / 'segmentation' / 'iter_300.pth')
    return folder


@pytest.fixture
def own_data(sound_data, tmp_path, monkeypatch):
    """A copy of it to change, and a cache of its own."""
    shutil.copytree(sound_data, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(tmp_path))
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path / 'home'))
    return tmp_path
