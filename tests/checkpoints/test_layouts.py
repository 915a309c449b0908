"""Layouts are pure functions of names; the loader needs torch and mmengine alone."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints.layouts import LAYOUTS, detect_layout
from tests.checkpoints.models import copied, small_swin
from tests.golden_files import reference

TITLES = {
    'swin_dense_official': 'Swin, dense',
    'swin_cls_official': 'Swin, official classification',
    'vit_timm': "the backbone's own names",
}


@pytest.mark.parametrize('name', TITLES)
def test_recognised_by_names_in_any_order(name):
    names = list(reference(name)[1])
    assert detect_layout(names).title == TITLES[name]
    assert detect_layout(names[::-1]).title == TITLES[name]


@pytest.mark.parametrize('layout', LAYOUTS, ids=lambda layout: layout.title)
def test_functions_leave_their_argument_alone(layout):
    state = reference('swin_cls_official')[1]
    before, names = copied(state), list(state)
    converted = layout.convert(state)
    assert converted is not state
    converted.clear()
    assert list(state) == names
    assert all(torch.equal(state[name], before[name]) for name in names)


def test_own_names_are_those_of_the_official_dense_code():
    official = reference('swin_dense_official')[1]
    shapes = {name: tensor.shape for name, tensor in official.items() if not name.endswith('_index')}
    assert {name: tensor.shape for name, tensor in small_swin().state_dict().items()} == shapes


def test_lean():
    code = (
        'import sys, swin_dense.checkpoints; '
        'print([name for name in ("mmdet", "mmseg", "mmcv", "torchvision") if name in sys.modules])'
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == '[]'
