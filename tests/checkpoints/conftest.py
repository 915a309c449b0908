"""Imported before the test files; and fixtures for files from the web."""

import importlib
import logging
import socket
import warnings

import pytest

with warnings.catch_warnings():
    # pytest turns warnings into errors; what other packages warn of while they are imported is not ours to mend
    warnings.simplefilter('ignore')
    importlib.import_module('mmengine.model')

from swin_dense.checkpoints import download, zoo
from swin_dense.checkpoints.zoo import PublishedWeights
from tests.checkpoints.web_site import Site
from tests.golden_files import reference


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path / 'home'))
    return tmp_path / 'home'


@pytest.fixture
def site(tmp_path, home):
    with Site(tmp_path / 'site') as site:
        yield site


@pytest.fixture
def nowhere():
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        port = taken.getsockname()[1]
    return f'http://127.0.0.1:{port}/releases/swin.pth'


@pytest.fixture
def messages(monkeypatch):
    """What is logged."""
    said = []
    logger = logging.getLogger('said')
    monkeypatch.setattr(logger, 'handle', lambda record: said.append(record.getMessage()))
    logger.setLevel(logging.INFO)
    monkeypatch.setattr('mmengine.logging.MMLogger.get_current_instance', lambda: logger)
    return said


@pytest.fixture(scope='module')
def state():
    return reference('swin_dense_official')[1]


@pytest.fixture
def publish(monkeypatch):
    """Put weights into the zoo."""

    def published(name, *files):
        weights = PublishedWeights(name, files, '', {}, '', None, '')
        monkeypatch.setattr(zoo, 'zoo', lambda: {name: weights})
        monkeypatch.setattr(download, 'zoo', zoo.zoo)

    return published
