"""The groups against mmengine's constructor with the official recipe, for every parameter of real models."""

import importlib.util
import logging
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import MODELS, init_default_scope

from swin_dense.backbones import VisionTransformer
from swin_dense.engine.parameter_groups import ParameterGroups
from swin_dense.engine.settings import restored_scope
from swin_dense.engine.start_log import group_table
from tests.contract_rows import ROWS

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
    with pytest.raises(ValueError, match=r'takes no_decay, .* and layer_decay, not custom_keys'):
        build_ours(model, OFFICIAL)


def test_arguments_stay_as_they_are(model):
    cfg, rules = {'optimizer': dict(OPTIMIZER), 'clip_grad': {'max_norm': 1.0}}, {'lr_mult': {'head': 2.0}}
    ParameterGroups(cfg, rules)
    assert cfg == {'optimizer': OPTIMIZER, 'clip_grad': {'max_norm': 1.0}}
    assert rules == {'lr_mult': {'head': 2.0}}


def with_heads(backbone):
    model = torch.nn.Module()
    model.backbone = backbone
    model.neck = torch.nn.Conv2d(8, 8, 1)
    model.head = torch.nn.Linear(8, 2)
    return model


def rates_of(model, rules):
    return {name: lr for name, (lr, _) in settings_of(model, build_ours(model, rules)).items()}


def vitdet_factor(name, decay, num_layers):
    """By facebookresearch/detectron2@13a99ca, get_vit_lr_decay_rate: levels count from 0 to num_layers + 1."""
    level = num_layers + 1
    if name.startswith('backbone') and ('.pos_embed' in name or '.patch_embed' in name):
        level = 0
    elif name.startswith('backbone') and '.blocks.' in name:
        level = int(name.split('.')[2]) + 1
    return decay ** (num_layers + 1 - level)


@pytest.mark.parametrize('options', [{}, {'num_frozen_stages': 2}, {'final_norm': True}])
def test_layer_decay_of_vitdet(options):
    arch = {'embed_dims': 8, 'depth': 5, 'num_heads': 2}
    model = with_heads(
        VisionTransformer(arch=arch, class_token=False, relative_position=True, image_size=32, **options)
    )
    model.head.requires_grad_(False)
    rates = rates_of(model, {'layer_decay': 0.7})
    assert rates.keys() == {name for name, p in model.named_parameters() if p.requires_grad}
    for name, rate in rates.items():
        assert rate == pytest.approx(1e-4 * vitdet_factor(name, 0.7, 5), rel=1e-12), name
    assert rates['backbone.blocks.4.mlp.fc1.weight'] == pytest.approx(0.7e-4)


@pytest.mark.filterwarnings('ignore')
def test_layer_decay_of_mmseg_constructor():
    from mmseg.engine.optimizers import LearningRateDecayOptimizerConstructor
    from mmseg.models.backbones import BEiT

    backbone = BEiT(img_size=(32, 32), embed_dims=8, num_layers=3, num_heads=2, mlp_ratio=2, out_indices=(0, 2))
    backbone.param_depth = lambda name: (
        int(name.split('.')[1]) + 1 if name.startswith('layers.') else 4 if name.startswith('norm') else 0
    )
    model = with_heads(backbone)
    rules = {'num_layers': 3, 'decay_rate': 0.6, 'decay_type': 'layer_wise'}
    official = LearningRateDecayOptimizerConstructor({'optimizer': dict(OPTIMIZER)}, rules)(model)
    theirs = {name: lr for name, (lr, _) in settings_of(model, official).items()}
    assert len(set(theirs.values())) == 5
    assert rates_of(model, {'layer_decay': 0.6}) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize('row', ROWS.values(), ids=ROWS)
def test_layer_decay_of_every_backbone(row):
    model = with_heads(row.build())
    rates = rates_of(model, {'layer_decay': 0.5})
    assert rates['neck.weight'] == rates['head.bias'] == 1e-4
    depths = {name: model.backbone.param_depth(name) for name, _ in model.backbone.named_parameters()}
    for (name, depth), (after, next_depth) in zip(depths.items(), list(depths.items())[1:], strict=False):
        # a layer further is a factor further; what comes after the last block has the full rate
        assert rates[f'backbone.{after}'] == rates[f'backbone.{name}'] / 0.5 ** (next_depth - depth)
    assert max(rate for name, rate in rates.items() if '.blocks.' in name) == 0.5e-4


def test_layer_decay_composes_with_the_other_rules():
    model = with_heads(ROWS['SwinTransformer'].build())
    rules = {'layer_decay': 0.5, 'lr_mult': {'backbone': 0.1, 'head': 3.0}, 'no_decay': ('head.bias',)}
    settings = settings_of(model, build_ours(model, rules))
    assert settings['backbone.layers.3.blocks.0.mlp.fc1.weight'] == (pytest.approx(0.5e-5), 0.05)
    assert settings['backbone.layers.3.blocks.0.norm1.weight'] == (pytest.approx(0.5e-5), 0.0)
    assert settings['backbone.norm3.bias'] == (pytest.approx(1e-5), 0.0)
    assert settings['head.weight'] == (pytest.approx(3e-4), 0.05)
    assert settings['head.bias'] == (pytest.approx(3e-4), 0.0)
    assert settings['neck.bias'] == (1e-4, 0.05)


def test_the_highest_rate_is_the_first_group():
    """It is the one that logs name."""
    model = with_heads(ROWS['SwinTransformer'].build())
    groups = build_ours(model, {'layer_decay': 0.5}).optimizer.param_groups
    rates = [group['lr'] for group in groups]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 1e-4
    assert len(groups) == 2 * (1 + 6 + 1)  # heads and output norms, 6 blocks, the embedding; with and without decay
    assert {group['name'] for group in groups} >= {'decay', 'no decay', 'decay, lr x 0.5', 'no decay, lr x 0.25'}


def test_tokens_and_position_embeddings_do_not_decay():
    """As in the recipes of mmseg's ViT and of ViTDet, where relative positions do."""
    arch = {'embed_dims': 8, 'depth': 1, 'num_heads': 2}
    settings = {}
    for options in ({}, {'class_token': False, 'relative_position': True}):
        model = with_heads(VisionTransformer(arch=arch, image_size=32, **options))
        settings |= settings_of(model, build_ours(model))
    assert settings['backbone.cls_token'][1] == settings['backbone.pos_embed'][1] == 0.0
    assert settings['backbone.blocks.0.attn.rel_pos_h'][1] == settings['backbone.patch_embed.proj.bias'][1] == 0.05


def test_layer_decay_that_cannot_be(model):
    with pytest.raises(ValueError, match=r'backbone\.param_depth\(name\), and Sequential has no such method'):
        build_ours(model, {'layer_decay': 0.7})
    for value in (0.0, 1.5):
        with pytest.raises(ValueError, match=f'above 0 and up to 1; got {value}'):
            build_ours(model, {'layer_decay': value})
    frozen = with_heads(ROWS['SwinTransformer'].build())
    frozen.backbone.requires_grad_(False)
    with pytest.raises(ValueError, match='layer_decay of paramwise_cfg matches no trainable parameter'):
        build_ours(frozen, {'layer_decay': 0.7})


def test_the_start_log_shows_many_groups_on_one_screen():
    model = with_heads(ROWS['SwinTransformer'].build())
    wrapper = build_ours(model, {'layer_decay': 0.5})
    groups = wrapper.optimizer.param_groups
    lines = [line.split() for line in group_table(groups)]
    assert lines[0] == ['group', 'lr', 'decay', 'tensors', 'parameters']
    assert lines[2] == ['decay', '0.0001', '0.05', '4', str(8 * 8 + 8 + 2 * 8 + 2)]  # neck and head
    assert lines[7] == ['...', str(len(groups) - 12), 'more']
    assert [line[-3:-2] + line[-4:-3] for line in lines[12:14]] == [['0.05', '7.813e-07'], ['0', '7.813e-07']]
    tensors, size = len(list(model.parameters())), sum(p.numel() for p in model.parameters())
    assert lines[14:] == [['all', str(tensors), f'{size:,}']]
    few = build_ours(model).optimizer.param_groups
    assert [line.split()[0] for line in group_table(few)] == ['group', 'decay', 'no', 'all']


@pytest.mark.parametrize('rules', [{'layer_decay': 0.7}, {'lr_mult': {'head': 0.1}}])
def test_factors_need_a_rate(rules):
    with pytest.raises(ValueError, match=r'factors of optimizer\.lr, which is not set'):
        ParameterGroups({'optimizer': {'type': 'AdamW'}}, rules)
