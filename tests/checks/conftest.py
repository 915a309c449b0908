"""Imported before the test files: mmdet and mmseg warn of themselves while they are imported."""

import importlib
import shutil
import warnings

import pytest

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from tests.checks.planted import make_sound_data

with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    importlib.import_module('mmseg.models')
    importlib.import_module('mmdet.models')


@pytest.fixture(scope='session')
def sound_data(tmp_path_factory):
    """A small demo data set that is not to be changed: FOLDER/data/{detection,segmentation}."""
    folder = tmp_path_factory.mktemp('sound')
    make_sound_data(folder)
    return folder


@pytest.fixture
def own_data(sound_data, tmp_path, monkeypatch):
    """A copy of it to change, and a cache of its own."""
    shutil.copytree(sound_data, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(tmp_path))
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path / 'home'))
    return tmp_path
