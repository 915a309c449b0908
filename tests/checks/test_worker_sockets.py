"""Temporary folders whose sockets have too long a path, against the system itself."""

import socket
import tempfile
from pathlib import Path

import pytest
from mmengine.config import Config

from swin_dense.checks.worker_sockets import check_worker_sockets


def system_takes(path):
    """Whether a socket can have that name."""
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(path))
        except OSError:
            return False
    return True


@pytest.mark.parametrize('length', [60, 75, 76, 90])
def test_says_what_the_system_says(length, monkeypatch):
    with tempfile.TemporaryDirectory(dir='/tmp', prefix='s') as parent:
        folder = Path(parent, 'x' * (length - len(parent) - 1))
        inner = folder / 'pymp-12345678'
        inner.mkdir(parents=True)
        monkeypatch.setattr('tempfile.tempdir', str(folder))
        found = list(check_worker_sockets(Config({'val_dataloader': {'num_workers': 2}}), ['train', 'val'], 'quick'))
        assert (found == []) == system_takes(inner / 'listener-12345678')
        assert all(str(folder) in each.message and 'TMPDIR=' in each.remedy for each in found)
        assert [each.key for each in found] in ([], ['val_dataloader.num_workers'])


def test_loaders_without_workers_need_none(monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', '/' + 'x' * 200)
    cfg = Config({'train_dataloader': {'num_workers': 0}, 'val_dataloader': None})
    assert list(check_worker_sockets(cfg, ['train', 'val', 'test'], 'quick')) == []
    cfg.train_dataloader.num_workers = 1
    assert [each.level for each in check_worker_sockets(cfg, ['train'], 'quick')] == ['error']
