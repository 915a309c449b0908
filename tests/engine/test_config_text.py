"""tools/print_config.py: a config as the runner gets it, and what one changes of another."""

import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from swin_dense.engine.config_text import config_text

ROOT = Path(__file__).resolve().parents[2]
LEAF = str(ROOT / 'configs' / 'swin' / 'mask_rcnn_swin_tiny_coco_1x.py')
LONGER = str(ROOT / 'configs' / 'swin' / 'mask_rcnn_swin_tiny_coco_3x.py')


@pytest.fixture
def child(tmp_path):
    path = tmp_path / 'child.py'
    path.write_text(f"_base_ = ['{LEAF}']\ntrain_pipeline = []\nmodel = dict(neck=dict(num_outs=4))\n")
    return str(path)


def test_the_text_is_the_config_with_its_bases(tmp_path, child):
    text = config_text(child, cfg_options={'train_cfg.max_epochs': 3})
    (tmp_path / 'printed.py').write_text(text)
    printed, expected = Config.fromfile(tmp_path / 'printed.py'), Config.fromfile(child)
    expected.train_cfg.max_epochs = 3
    assert printed.to_dict() == expected.to_dict()


def test_changes_of_the_bases_are_what_a_run_reads(child):
    # `train_pipeline` is a variable: the loader has the pipeline of the base
    assert config_text(child, diff='base') == 'model.neck.num_outs: 5 -> 4'
    assert config_text(child, diff='base', cfg_options={'model.neck.num_outs': 5}).startswith(
        'nothing that a run reads'
    )


def test_a_config_with_a_misspelt_key_is_printed(tmp_path, capsys):
    path = tmp_path / 'misspelt.py'
    path.write_text(f"_base_ = ['{LEAF}']\ntrian_dataloader = dict(batch_size=3)\n")
    assert 'trian_dataloader = dict(batch_size=3)' in config_text(str(path))
    assert "Did you mean 'train_dataloader'?" in capsys.readouterr().err


def test_changes_of_another_config():
    assert config_text(LONGER, diff=LEAF).splitlines() == [
        'model.backbone.drop_path_rate: 0.1 -> 0.2',
        'param_scheduler.1.end: 12 -> 36',
        'param_scheduler.1.milestones: [8, 11] -> [27, 33]',
        'train_cfg.max_epochs: 12 -> 36',
    ]


def test_a_config_without_bases_has_nothing_to_compare_with(tmp_path):
    (tmp_path / 'alone.py').write_text('train_cfg = dict(max_epochs=1)\n')
    with pytest.raises(ValueError, match='no _base_'):
        config_text(str(tmp_path / 'alone.py'), diff='base')


def test_the_tool(child):
    words = [sys.executable, str(ROOT / 'tools' / 'print_config.py'), child, '--diff']
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, 'model.neck.num_outs: 5 -> 4\n')
    done = subprocess.run([*words, '--cfg-options', 'model.nick=1'], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'model.nick' in done.stderr
