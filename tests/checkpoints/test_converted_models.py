"""Whole detectors and segmentors: in the official and the OpenMMLab's names, in a runner, and what they compute."""

import copy
import itertools
import logging

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import nn

from swin_dense.checkpoints.conversion import convert
from swin_dense.checkpoints.conversion_tool import convert_weights
from swin_dense.checkpoints.layouts.values import with_position_indices
from swin_dense.checkpoints.surroundings import with_own_names
from swin_dense.engine.runner import Runner
from swin_dense.engine.settings import restored_scope
from tests.backbones.test_live_swin import maps, mask_rcnn, pair_in, scenes, upernet
from tests.checkpoints.models import assert_close, small_swin
from tests.engine.toys import toy_config

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
_number = itertools.count()


def official(state):
    """SwinTransformer/Swin-Transformer-Object-Detection@6a979e2: our names, and a table of indices in every block."""
    backbone = {name.removeprefix('backbone.'): value for name, value in state.items() if name.startswith('backbone.')}
    indexed = {f'backbone.{name}': value for name, value in with_position_indices(backbone).items()}
    assert len(indexed) > len(backbone)
    return {**indexed, **{name: value for name, value in state.items() if name not in indexed}}


def of_mmdet(state):
    backbone = {name.removeprefix('backbone.'): value for name, value in state.items() if name.startswith('backbone.')}
    written = {f'backbone.{name}': value for name, value in convert(backbone, 'mmdet').tensors.items()}
    return {**written, **{name: value for name, value in state.items() if not name.startswith('backbone.')}}


def assert_same(state, expected):
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], value) for name, value in expected.items())


# --- in a runner -----------------------------------------------------------------------------------------------------


@MODELS.register_module(force=True)
class ToySegmentor(BaseModel):
    """A small Swin with a head, for the vectors of the toy data."""

    def __init__(self, classes=1):
        super().__init__()
        self.backbone = small_swin()
        self.decode_head = nn.Linear(96, classes)

    def forward(self, inputs, target, index, mode='tensor'):
        images = torch.stack(list(inputs))[:, None, None].expand(-1, 3, 9, 6)
        scores = self.decode_head(self.backbone(images)[3].mean((2, 3)))
        if mode == 'loss':
            return {'loss': scores.square().mean()}
        return [{'score': float(score[0]), 'index': int(i)} for score, i in zip(scores, index, strict=True)]


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    with restored_scope():
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def runner(tmp_path):
    def build(path, *, testing=False, **model):
        cfg = toy_config(tmp_path / 'run', iterations=1, model={'type': 'ToySegmentor', **model}, load_from=str(path))
        cfg.experiment_name = f'whole{next(_number)}'
        if testing:
            for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'val_cfg'):
                cfg[key] = None
            cfg.val_dataloader = cfg.val_evaluator = None
        else:
            cfg.custom_hooks = []  # which begin to work when training does
        return Runner.from_cfg(cfg)

    return build


@pytest.mark.parametrize(
    ('rename', 'title'), [(official, 'Swin, dense'), (of_mmdet, 'Swin, mmdet and mmseg')], ids=['official', 'mmdet']
)
def test_files_of_others_are_tested_and_trained_from_as_they_are(rename, title, runner, tmp_path):
    state = ToySegmentor().state_dict()
    around = {'meta': {'CLASSES': ('cat',), 'epoch': 36, 'iter': 9, 'config': 'model = dict()'}}
    torch.save({**around, 'state_dict': rename(state)}, tmp_path / 'theirs.pth')
    torch.save({**around, 'state_dict': state}, tmp_path / 'ours.pth')
    theirs, ours = (runner(tmp_path / f'{name}.pth', testing=True) for name in ('theirs', 'ours'))
    assert theirs.test()['toy/mean'] == ours.test()['toy/mean']
    assert_same(theirs.model.state_dict(), state)
    assert theirs.load_report == f'{len(state)} of {len(state)} tensors from {tmp_path}/theirs.pth (layout: {title})'
    assert 'layout' not in ours.load_report
    # a head for other classes starts anew
    fine_tuned = runner(tmp_path / 'theirs.pth', classes=3)
    fine_tuned.load_or_resume()
    loaded = fine_tuned.model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items() if name.startswith('backbone.'))
    assert f'{len(state) - 2} of {len(state)} tensors' in fine_tuned.load_report


@pytest.mark.parametrize('rename', [official, of_mmdet])
def test_what_does_not_fit_is_refused_as_ever(rename, runner, tmp_path):
    state = ToySegmentor().state_dict()
    del state['backbone.layers.2.blocks.1.mlp.fc1.bias']
    torch.save({'state_dict': rename(state)}, tmp_path / 'theirs.pth')
    with pytest.raises(ValueError, match=r'missing in the file, 1: backbone\.layers\.2\.blocks\.1\.mlp\.fc1\.bias\.'):
        runner(tmp_path / 'theirs.pth', testing=True).test()


@pytest.mark.parametrize(('library', 'make'), [('mmdet', mask_rcnn), ('mmseg', upernet)])
def test_names_are_changed_where_that_helps(library, make):
    ours, theirs = (model.state_dict() for model in pair_in(library, make))
    for state, title in ((official(ours), 'Swin, dense'), (theirs, 'Swin, mmdet and mmseg')):
        own, layout = with_own_names(state, ours.keys())
        assert_same(own, ours)
        assert layout == title
    # a model of the library itself has its names, whole or not
    broken = {name: value for name, value in theirs.items() if not name.endswith('stages.0.blocks.0.norm1.bias')}
    assert len(broken) == len(theirs) - 1
    for state, wanted in ((theirs, theirs), (broken, theirs), (ours, ours), ({'a.weight': torch.ones(1)}, ours)):
        own, layout = with_own_names(state, wanted.keys())
        assert own is state
        assert layout == ''


# --- what whole models compute ---------------------------------------------------------------------------------------


def outputs(model, data):
    """What the last heads say; in float64, which keeps the proposals of a detector in order."""
    model = copy.deepcopy(model).double()
    model.eval()
    batch = model.data_preprocessor(copy.deepcopy(data), training=False)
    with torch.inference_mode():
        return list(_tensors(model(batch['inputs'].double(), batch['data_samples'], mode='tensor')))


def _tensors(nested):
    if isinstance(nested, torch.Tensor):
        yield nested
    else:
        for part in nested.values() if isinstance(nested, dict) else nested:
            yield from _tensors(part)


# scores, boxes and masks of proposals, which are of the RPN; one map of logits
@pytest.mark.parametrize(
    ('library', 'make', 'draw', 'number'), [('mmdet', mask_rcnn, scenes, 3), ('mmseg', upernet, maps, 1)]
)
@pytest.mark.parametrize('direction', ['to theirs', 'to ours'])
def test_converted_models_say_the_same(library, make, draw, number, direction, tmp_path):
    source, target = pair_in(library, make)
    to = library
    if direction == 'to ours':
        source, target, to = target, source, 'swin_dense'
    torch.save({'state_dict': source.state_dict()}, tmp_path / 'source.pth')
    with torch.no_grad():
        for tensor in target.state_dict().values():
            tensor.zero_()
    assert convert_weights(str(tmp_path / 'source.pth'), str(tmp_path / 'target.pth'), to=to) == 0
    target.load_state_dict(torch.load(tmp_path / 'target.pth', weights_only=True)['state_dict'])  # strictly
    data = draw()
    results, expected = outputs(target, data), outputs(source, data)
    assert len(results) == len(expected) == number
    for result, wanted in zip(results, expected, strict=True):
        assert wanted.numel() > 0
        assert_close(result, wanted)
