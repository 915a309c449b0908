"""The groups against mmengine's constructor with the official recipe, for every parameter of real models."""

import importlib.util
import logging
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import MODELS, init_default_scope

from swin_dense.engine.parameter_groups import ParameterGroups
from swin_dense.engine.settings import restored_scope

OPTIMIZER = {'type': 'AdamW', 'lr': 1e-4, 'betas': (0.9, 0.999), 'weight_decay': 0.05}
# paramwise_cfg of configs/swin in SwinTransformer/Swin-Transformer-Object-Detection@c7b2011
OFFICIAL = {
    'custom_keys': {
        'absolute_pos_embed': {'decay_mult': 0.0},
        'relative_position_bias_table': {'decay_mult': 0.0},
        'norm': {'decay_mult': 0.0},
    }
}


def settings_of(model, optim_wrapper):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group['lr'], group['weight_decay'])
        for group in optim_wrapper.optimizer.param_groups
        for parameter in group['params']
    }


def build_ours(model, rules=None):
    return ParameterGroups({'optimizer': dict(OPTIMIZER)}, rules)(model)


def detector(backbone=None):
    """mmdet's own Mask R-CNN with Swin-T, and its own optimiser settings."""
    folder = Path(importlib.util.find_spec('mmdet').origin).parent / '.mim' / 'configs' / 'swin'
    cfg = Config.fromfile(folder / 'mask-rcnn_swin-t-p4-w7_fpn_1x_coco.py')
    assert cfg.optim_wrapper.paramwise_cfg == OFFICIAL
    assert {**cfg.optim_wrapper.optimizer} == OPTIMIZER
    cfg.model.backbone.update(init_cfg=None, depths=(2, 2, 2, 2), use_abs_pos_embed=True, pretrain_img_size=32)
    if backbone is not None:
        cfg.model.backbone = backbone
    return cfg.model, 'mmdet'


def detector_with_our_swin():
    return detector({'type': 'swin_dense.SwinTransformer', 'arch': 'tiny'})


def segmentor():
    norm = {'type': 'BN', 'requires_grad': True}  # a norm whose name has no `norm`: it decays, officially
    return {
        'type': 'EncoderDecoder',
        'backbone': {'type': 'SwinTransformer', 'embed_dims': 24, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 3, 4)},
        'decode_head': {
            'type': 'UPerHead', 'in_channels': [24, 48, 96, 192], 'in_index': [0, 1, 2, 3], 'channels': 16,
            'num_classes': 3, 'norm_cfg': norm,
        },
    }, 'mmseg'  # fmt: skip


@pytest.mark.parametrize('make', [detector, detector_with_our_swin, segmentor])
@pytest.mark.filterwarnings('ignore')
def test_official_recipe_parameter_by_parameter(make):
    model_cfg, scope = make()
    with restored_scope():
        init_default_scope(scope)
        model = MODELS.build(model_cfg)
    logging.disable(logging.CRITICAL)
    official = DefaultOptimWrapperConstructor({'optimizer': dict(OPTIMIZER)}, OFFICIAL)(model)
    logging.disable(logging.NOTSET)
    ours = build_ours(model)
    assert settings_of(model, ours) == settings_of(model, official)
    assert len(ours.optimizer.param_groups) == 2
    assert len(official.optimizer.param_groups) > 100


@pytest.fixture
def model():
    model = torch.nn.Module()
    model.backbone = torch.nn.Sequential()
    model.backbone.add_module('linear', torch.nn.Linear(3, 4))
    model.backbone.add_module('norm', torch.nn.LayerNorm(4))
    model.head = torch.nn.Linear(4, 2)
    return model


def test_a_learning_rate_rule_brings_no_decay_back(model):
    settings = settings_of(model, build_ours(model, {'lr_mult': {'backbone': 0.1}}))
    assert settings['backbone.norm.weight'] == (pytest.approx(1e-5), 0.0)
    assert settings['backbone.linear.weight'] == (pytest.approx(1e-5), 0.05)
    assert settings['head.bias'] == (1e-4, 0.05)


def test_the_longest_learning_rate_rule_counts(model):
    settings = settings_of(model, build_ours(model, {'lr_mult': {'backbone': 0.1, 'backbone.linear': 0.5}}))
    assert settings['backbone.linear.bias'][0] == pytest.approx(5e-5)
    assert settings['backbone.norm.bias'][0] == pytest.approx(1e-5)


def test_more_parameters_without_decay(model):
    settings = settings_of(model, build_ours(model, {'no_decay': ('head.bias',)}))
    assert settings['head.bias'] == (1e-4, 0.0)
    assert settings['head.weight'] == (1e-4, 0.05)


def test_frozen_parameters_are_in_no_group(model):
    model.backbone.requires_grad_(False)
    assert settings_of(model, build_ours(model)).keys() == {'head.weight', 'head.bias'}
    model.requires_grad_(False)
    with pytest.raises(ValueError, match='no trainable parameter'):
        build_ours(model)


@pytest.mark.parametrize('rules', [{'lr_mult': {'backbon.linear': 0.1}}, {'no_decay': ('haed',)}])
def test_a_rule_that_matches_nothing_is_an_error(model, rules):
    with pytest.raises(ValueError, match='matches no trainable parameter'):
        build_ours(model, rules)


def test_rules_of_mmengine_are_refused(model):
    with pytest.raises(ValueError, match='takes no_decay and lr_mult, not custom_keys'):
        build_ours(model, OFFICIAL)


def test_arguments_stay_as_they_are(model):
    cfg, rules = {'optimizer': dict(OPTIMIZER), 'clip_grad': {'max_norm': 1.0}}, {'lr_mult': {'head': 2.0}}
    ParameterGroups(cfg, rules)
    assert cfg == {'optimizer': OPTIMIZER, 'clip_grad': {'max_norm': 1.0}}
    assert rules == {'lr_mult': {'head': 2.0}}
