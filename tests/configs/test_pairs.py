"""Each pair of a backbone family and a detector or segmentor: one step of training and one prediction on the demo data.

From its leaf, made narrow.
"""

import logging
import warnings

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope

from swin_dense.engine.settings import load_config, restored_scope
from tests.configs.narrow import NARROW, PAIRS, demo_dataset, narrowed
from tests.configs.recipes import CONFIGS


def test_pairs_are_all_there():
    models = {family: {model for name, model in PAIRS if name == family} for family in NARROW}
    common = {
        f'{name}_fpn' for name in ('mask_rcnn', 'cascade_mask_rcnn', 'atss', 'reppoints', 'retinanet', 'sparse_rcnn')
    }
    assert models['swin'] == {*common, 'htc_fpn', 'upernet'}
    assert models['shift_vit'] == models['resnet'] == {*common, 'upernet'}
    assert models['vit'] == {'mask_rcnn_vitdet', 'upernet_multi_level'}


@pytest.fixture
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize('pair', PAIRS, ids='-'.join)
@pytest.mark.filterwarnings('ignore')
@pytest.mark.usefixtures('quiet')
def test_a_step_and_a_prediction(pair, demo):
    cfg = load_config(CONFIGS / f'{PAIRS[pair]}.py')
    with restored_scope(), warnings.catch_warnings():
        init_default_scope(cfg.default_scope)
        dataset = demo_dataset(cfg, demo)
        model = revert_sync_batchnorm(MODELS.build(narrowed(cfg, pair[0]))).train()
        model.init_weights()
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
        before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        losses = model.train_step(pseudo_collate([dataset[0], dataset[1]]), wrapper)
        prediction = model.eval().test_step(pseudo_collate([dataset[2]]))[0]
    assert losses['loss'].isfinite()
    assert losses['loss'] > 0
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    stepped = {name for name, parameter in model.named_parameters() if parameter in wrapper.optimizer.state}
    assert trained == stepped  # each had a gradient
    assert {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])} <= trained
    if cfg.default_scope == 'mmseg':
        assert prediction.pred_sem_seg.data.shape == (1, *prediction.ori_shape)
    else:
        found = prediction.pred_instances
        assert found.bboxes.shape == (len(found.scores), 4)
        assert ('masks' in found) == ('mask' in pair[1] or 'htc' in pair[1])
