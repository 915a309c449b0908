"""Configs that are unusual and sound, or of which not all can be known: no false alarm, no crash, no download."""

import importlib
import os
import socket
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from swin_dense.checks.model_fit import check_model
from swin_dense.checks.offline import offline
from swin_dense.checks.settings import check_settings
from swin_dense.engine.settings import load_config
from tests.checks.planted import LEAVES, ROOT

pytestmark = pytest.mark.filterwarnings('ignore')
SPLITS = ('train', 'val', 'test')


@pytest.fixture
def demo(sound_data, tmp_path):
    """Give the demo config of a task with more lines."""

    def made(task, lines):
        path = tmp_path / 'config.py'
        path.write_text(f"_base_ = ['{ROOT / 'configs' / 'demo' / LEAVES[task]}']\n{lines}\n")
        with patch.dict(os.environ, {'SWIN_DENSE_DEMO': str(sound_data)}):
            return load_config(path)

    return made


def rules_of(cfg, check=check_settings, splits=SPLITS):
    return [each.rule for each in check(cfg, splits, 'quick') if each.level != 'ok']


@pytest.mark.parametrize(
    'scheduler',
    [
        "dict(type='CosineAnnealingLR', T_max=3, by_epoch=True, convert_to_iter_based=True)",
        "dict(type='ReduceOnPlateauLR', monitor='mIoU')",
    ],
)
def test_schedules_that_training_by_iterations_moves(demo, scheduler):
    assert 'schedule-in-epochs' not in rules_of(demo('segmentation', f'param_scheduler = [{scheduler}]'))
    plain = "param_scheduler = [dict(type='CosineAnnealingLR', T_max=3, by_epoch=True)]"
    assert 'schedule-in-epochs' in rules_of(demo('segmentation', plain))


def test_annotations_of_two_steps(demo):
    steps = """
train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True),
    dict(type='LoadAnnotations', with_bbox=False, with_mask=True), dict(type='PackDetInputs')]))
"""
    assert 'not-loaded' not in rules_of(demo('detection', steps))
    assert rules_of(demo('detection', steps.replace('with_mask=True', 'with_mask=False'))).count('not-loaded') == 1


def test_a_config_without_a_model():
    evaluator = {'type': 'swin_dense.CocoMetric', 'metric': ['bbox', 'segm']}
    cfg = Config({'val_evaluator': evaluator, 'val_dataloader': {}, 'val_cfg': {}, 'default_scope': 'mmdet'})
    assert 'metric-of-masks' not in rules_of(cfg)
    assert rules_of(cfg, check_model) == []


def test_strides_worked_out_from_an_image_size():
    configs = Path(importlib.import_module('mmdet').__file__).parent / '.mim' / 'configs'
    cfg = load_config(configs / 'yolact' / 'yolact_r50_1xb8-55e_coco.py')
    assert rules_of(cfg, check_model) == []
    cfg.model.neck.num_outs = 4
    assert 'head-strides' in rules_of(cfg, check_model)


# --- what loads while it is built -------------------------------------------------------------------------------------


@pytest.fixture
def registered():
    """Register a class for the test alone."""
    names = []

    def register(cls):
        MODELS.register_module(module=cls)
        names.append(cls.__name__)
        return cls

    yield register
    for name in names:
        del MODELS.module_dict[name]


def segmentor(**backbone):
    return Config({'model': {'type': 'EncoderDecoder', 'backbone': backbone}, 'default_scope': 'mmseg'})


class Downloads(nn.Module):
    def __init__(self, pretrained=None):
        super().__init__()
        if pretrained is not None:
            raise AssertionError(f'{pretrained} would be loaded')
        socket.create_connection(('192.0.2.1', 80), timeout=0.1)  # an address of examples


class ReadsFile(nn.Module):
    def __init__(self, path):
        super().__init__()
        try:
            Path(path).read_text()
        except OSError as error:
            raise RuntimeError(f'no vocabulary in {path}') from error


class SaysMeta(nn.Module):
    def __init__(self):
        super().__init__()
        raise ValueError('metainfo and metadata do not go together')


class NeedsNumbers(nn.Module):
    def __init__(self):
        super().__init__()
        self.size = torch.ones(3).sum().item()


def test_nothing_is_downloaded(registered):
    registered(Downloads)
    (found,) = check_model(segmentor(type='Downloads', pretrained='https://192.0.2.1/weights.pth'), SPLITS, 'quick')
    assert (found.level, found.rule) == ('ok', 'not-built')
    assert '192.0.2.1' in found.message
    with offline(), pytest.raises(OSError, match='nothing is loaded'):
        socket.create_connection(('192.0.2.1', 80), timeout=0.1)
    left, right = socket.socketpair()  # of this machine
    left.close()
    right.close()


def test_a_file_that_is_not_there(registered):
    registered(ReadsFile)
    (found,) = check_model(segmentor(type='ReadsFile', path='no/vocabulary.txt'), SPLITS, 'quick')
    assert (found.level, found.rule) == ('ok', 'not-built')


def test_what_is_of_building_without_numbers(registered):
    registered(SaysMeta)
    registered(NeedsNumbers)
    assert rules_of(segmentor(type='SaysMeta'), check_model) == ['cannot-build']
    assert rules_of(segmentor(type='NeedsNumbers'), check_model) == []


# --- rules for parameters ---------------------------------------------------------------------------------------------

DEFAULT = 'optim_wrapper = dict(constructor=None, paramwise_cfg=dict(_delete_=True, {}))'


@pytest.mark.parametrize(
    'rules',
    [
        'custom_keys=dict(backbone=dict(lr_mult=0.1, decay_mult=0.9, betas=(0.9, 0.99))), norm_decay_mult=0.0',
        'bias_lr_mult=2.0, bias_decay_mult=0.0, dwconv_decay_mult=0.0, flat_decay_mult=0.0, bypass_duplicate=True',
        'dcn_offset_lr_mult=0.1',
    ],
)
def test_rules_of_mmengine(demo, rules):
    cfg = demo('detection', DEFAULT.format(rules))
    assert [each for each in (*rules_of(cfg), *rules_of(cfg, check_model)) if each != 'learning-rate'] == []


STAGES = {'decay_rate': 0.8, 'decay_type': 'layer_wise', 'num_layers': 6}


def test_rules_of_the_libraries():
    for library, kind, rules in (
        ('mmdet', 'LearningRateDecayOptimizerConstructor', STAGES),
        ('mmseg', 'LearningRateDecayOptimizerConstructor', STAGES),
        ('mmseg', 'LayerDecayOptimizerConstructor', {'layer_decay_rate': 0.8, 'num_layers': 6}),
        ('mmseg', 'ForceDefaultOptimWrapperConstructor', {'force_default_settings': True}),
    ):
        wrapper = {'optimizer': {'type': 'AdamW', 'lr': 1e-4}, 'constructor': kind, 'paramwise_cfg': rules}
        cfg = Config({'optim_wrapper': wrapper, 'default_scope': library})
        assert 'unknown-key' not in rules_of(cfg), kind
        cfg.optim_wrapper.paramwise_cfg.num_layer = 6
        assert 'unknown-key' in rules_of(cfg), kind


# --- tests and metrics ------------------------------------------------------------------------------------------------


def test_a_config_without_a_test_set(demo):
    cfg = demo('segmentation', 'test_dataloader = None\ntest_evaluator = None\ntest_cfg = None')
    (found,) = [each for each in check_settings(cfg, SPLITS, 'quick') if each.rule == 'no-test-data']
    assert found.level == 'ok'
    assert 'test_dataloader = val_dataloader' in found.message


@pytest.mark.parametrize(
    ('task', 'lines'),
    [
        ('detection', "val_evaluator = dict(_delete_=True, type='CocoMetric', metric=['proposal', 'proposal_fast'])"),
        ('detection', "default_hooks = dict(checkpoint=dict(save_best='auto'))"),
        ('detection', "default_hooks = dict(checkpoint=dict(save_best='coco/segm_mAP_50'))"),
        ('segmentation', "val_evaluator = dict(iou_metrics=['mDice', 'mFscore'])\n"
        "default_hooks = dict(checkpoint=dict(save_best='mPrecision'))"),
    ],
)  # fmt: skip
def test_metrics_that_there_are(demo, task, lines):
    assert 'unknown-metric' not in rules_of(demo(task, lines))
