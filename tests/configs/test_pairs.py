"""Each pair of a backbone family and a detector or segmentor: one step of training and one prediction on the demo data.

From its leaf, with a narrow backbone, few regions and narrow layers between them.
"""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, MODELS, init_default_scope

from swin_dense.engine.settings import load_config, restored_scope
from tests.configs.recipes import CONFIGS, OFFICIAL_LEAVES, bases

NARROW = {
    'swin': {'arch': {'embed_dims': 16, 'depths': (1, 2, 1, 1), 'num_heads': (1, 2, 2, 4)}, 'window_size': 3},
    'shift_vit': {'arch': {'embed_dims': 16, 'depths': (1, 2, 1, 1), 'mlp_ratio': 2, 'n_div': 8}},
    'vit': {'arch': {'embed_dims': 16, 'depth': 12, 'num_heads': 2}},
    'resnet': {'base_channels': 4},
}
CHANNELS = {'vit': [16] * 4}
FEW = {
    'num': 8,
    'max_per_img': 8,
    'num_proposals': 8,
    'fc_out_channels': 16,
    'feedforward_channels': 16,
    'channels': 16,
}


def pairs():
    """The first leaf of each (family, model)."""
    found = {}
    for leaf in OFFICIAL_LEAVES:
        found.setdefault((leaf.split('/')[0], Path(bases(leaf)[0]).stem), leaf)
    return {key: leaf for key, leaf in found.items() if key[0] != 'templates'}


PAIRS = pairs()


def make_smaller(node, key=None):
    """The same with the numbers of `FEW`, and 32 channels wherever there were 256."""
    if isinstance(node, dict):
        for name, value in node.items():
            node[name] = make_smaller(value, name)
        return node
    if isinstance(node, list):
        return [make_smaller(item) for item in node]
    if isinstance(node, int) and not isinstance(node, bool):
        return FEW.get(key, 32 if node == 256 else node)
    return node


def narrowed(cfg, family):
    model = make_smaller(cfg.model)
    if model.data_preprocessor.get('pad_size_divisor', 1) > 32:
        model.data_preprocessor.pad_size_divisor = 32
    channels = CHANNELS.get(family, [16, 32, 64, 128])
    model.backbone.update(NARROW[family], init_cfg=None)
    if 'neck' in model:
        model.neck.in_channels = channels[-len(model.neck.in_channels) :]
        if model.neck.type == 'MultiLevelNeck':
            model.neck.out_channels = 16
    for head in ('decode_head', 'auxiliary_head'):
        if head in model:
            taken = [channels[level] for level in range(4)]
            model[head].num_classes = 6
            model[head].in_channels = taken if head == 'decode_head' else taken[model[head].in_index]
    return model


def demo_dataset(cfg, folder):
    kind = 'instance' if cfg.default_scope == 'mmdet' else 'semantic'
    data = load_config(CONFIGS / f'_base_/datasets/demo_{kind}.py').train_dataloader.dataset
    data.data_root = f'{folder}/data/{"detection" if kind == "instance" else "segmentation"}/'
    if 'semantic_head' in cfg.model.get('roi_head', {}):  # the other half of the demo data has maps of the same scenes
        data.data_prefix.seg = '../segmentation/annotations/training/'
        data.pipeline[1].with_seg = True
    with contextlib.redirect_stdout(io.StringIO()):
        return DATASETS.build(data)


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
