"""Backbones and the loader work where mmcv, mmdet, mmseg and torchvision are not."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.checkpoints.models import small_swin

ROOT = Path(__file__).parents[2]
LOAD = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('mmcv', 'mmdet', 'mmseg', 'torchvision', 'mmpretrain'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)

sys.meta_path.insert(0, Blocked())
from swin_dense.backbones import ShiftViT, SwinTransformer, VisionTransformer
from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion import convert
import torch
arch = {'embed_dims': 12, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 4, 8)}
backbone = SwinTransformer(arch=arch).eval()
report = load_pretrained(backbone, sys.argv[1])
assert report.is_complete and len(report.loaded) == report.total == 125
convert(backbone.state_dict(), 'mmdet')
with torch.inference_mode():
    print(sum(level.double().sum().item() for level in backbone(torch.ones(1, 3, 33, 50))))
for blocked in ('mmcv', 'mmdet'):
    try:
        __import__(blocked)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f'{blocked} was not blocked')
"""


def test_loading_without_the_openmmlab(tmp_path):
    backbone = small_swin().eval()
    torch.save({'state_dict': backbone.state_dict()}, tmp_path / 'swin.pth')
    command = [sys.executable, '-c', LOAD, str(tmp_path / 'swin.pth')]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    with torch.inference_mode():
        expected = sum(level.double().sum().item() for level in backbone(torch.ones(1, 3, 33, 50)))
    assert float(done.stdout.strip().splitlines()[-1]) == pytest.approx(expected, rel=1e-6)


def test_nothing_more_is_imported_where_it_is():
    code = (
        'import sys, swin_dense.backbones, swin_dense.checkpoints; '
        'print([name for name in ("mmdet", "mmseg", "mmcv", "torchvision") if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == '[]'
