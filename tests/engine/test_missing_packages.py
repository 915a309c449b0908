"""Training where packages are missing that it can do without, or are there and get in its way.

yapf breaks lines, TensorBoard draws curves, transformers and setuptools are somebody else's. rich is not among them:
mmengine imports it at the head of its modules for configs and registries, so it is required by setup.py.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from swin_dense.datasets.demo import DemoRecipe, make_demo_data
from swin_dense.engine.settings import FormattedOnce
from swin_dense.engine.vis_backends import without_tensorboard_if_missing

pytestmark = pytest.mark.filterwarnings('ignore')
ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs' / 'demo' / 'mask_rcnn_swin_demo.py'
OPTIONAL = ['yapf', 'transformers', 'setuptools', 'pkg_resources', 'tensorboard', 'tensorboardX']
HIDE = """
import importlib.abc, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split('.')[0] in HIDDEN:
            raise ModuleNotFoundError(f'No module named {fullname!r}', name=fullname)

assert not set(HIDDEN) & set(sys.modules)
sys.meta_path.insert(0, Hidden())
"""


def run(program, hidden=(), **environment):
    text = HIDE.replace('HIDDEN', repr(list(hidden))) + program
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_training_without_what_is_optional(tmp_path, monkeypatch):
    make_demo_data(tmp_path / 'data', DemoRecipe(num_train=4, num_val=2))
    options = {'train_cfg.max_iters': 1, 'train_cfg.val_interval': 1, 'train_dataloader.batch_size': 2}
    options |= {'train_dataloader.num_workers': 0, 'val_dataloader.num_workers': 0, 'model.backbone.init_cfg': None}
    program = f"""
from swin_dense.engine.training import train
sys.exit(train({str(CONFIG)!r}, work_dir={str(tmp_path / 'work')!r}, cfg_options={options!r}))
"""
    done = run(program, OPTIONAL, SWIN_DENSE_DEMO=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'no curves for TensorBoard' in done.stdout + done.stderr
    assert 'coco/bbox_mAP' in (tmp_path / 'work' / 'metrics.jsonl').read_text()
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(tmp_path))
    expected, written = Config.fromfile(CONFIG), Config.fromfile(tmp_path / 'work' / 'config.py')
    expected.model.backbone.init_cfg = None
    for key in ('model', 'optim_wrapper', 'param_scheduler', 'val_evaluator'):
        assert written[key] == expected[key]


def test_config_without_yapf_reads_as_it_was(tmp_path, monkeypatch):
    values = {'a': [1, {'b-c': (2.5, None)}], 'name': "it's", 'long': list(range(60)), 'nested': {'x': {'y': True}}}
    monkeypatch.setitem(sys.modules, 'yapf', None)
    (tmp_path / 'config.py').write_text(FormattedOnce(values).pretty_text)
    assert Config.fromfile(tmp_path / 'config.py').to_dict() == values


def test_tensorboard_stays_where_it_can_be_imported(monkeypatch):
    visualizer = {
        'type': 'Visualizer',
        'vis_backends': [{'type': 'LocalVisBackend'}, {'type': 'TensorboardVisBackend'}],
    }
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', sys)  # anything that is there
    assert without_tensorboard_if_missing(visualizer) == (visualizer, '')
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    found, note = without_tensorboard_if_missing(visualizer)
    assert found == {'type': 'Visualizer', 'vis_backends': [{'type': 'LocalVisBackend'}]}
    assert 'pip install tensorboard' in note
    assert len(visualizer['vis_backends']) == 2
    for other in (None, {'type': 'Visualizer'}, {'vis_backends': [{'type': 'LocalVisBackend'}]}):
        assert without_tensorboard_if_missing(other) == (other, '')


def test_two_optimizers_of_one_name(tmp_path):
    """torch >= 2.5 and transformers each have an Adafactor; an mmengine that registered both under it could not be
    imported.
    """
    (tmp_path / 'transformers.py').write_text('class Adafactor:\n    pass\n')
    program = """
import torch, transformers
import swin_dense.engine.training
from mmengine.registry import OPTIMIZERS
assert OPTIMIZERS.get('Adafactor') is transformers.Adafactor
assert OPTIMIZERS.get('TorchAdafactor') is torch.optim.Adafactor
"""
    assert importlib.util.find_spec('transformers') is None  # what stands in for it hides nothing
    done = run(program, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_rich_is_required_by_mmengine():
    """Should this fail, rich has become optional there, and can be here."""
    done = run('import mmengine.config', ['rich'])
    assert "No module named 'rich" in done.stderr
