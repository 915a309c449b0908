"""Leaves against the configs that the installed mmdet and mmseg bring along: equal but for what is listed here."""

import functools
import importlib.util
import inspect
from pathlib import Path

import pytest
from mmengine.config import Config

from swin_dense.engine.settings import flatten
from tests.configs.recipes import read

ABSENT = 'absent'
# said in other words, or by the default of the class
ELSEWHERE = ('backbone.', 'pretrained', 'type', 'data_preprocessor.type', 'data_preprocessor.size')
LEVELS = {  # levels 1 to 3 of the backbone, counted from 0
    'neck.in_channels': ([512, 1024, 2048], [256, 512, 1024, 2048]),
    'neck.start_level': (0, 1),
}
SWIN_BOX_HEAD = {  # by the official Swin code, in each stage
    'type': ('ConvFCBBoxHead', 'Shared2FCBBoxHead'),
    'num_shared_convs': (4, ABSENT),
    'num_shared_fcs': (1, ABSENT),
    'conv_out_channels': (256, ABSENT),
    'norm_cfg.type': ('SyncBN', ABSENT),
    'norm_cfg.requires_grad': (True, ABSENT),
    'reg_class_agnostic': (False, True),
    'reg_decoded_bbox': (True, ABSENT),
    'loss_bbox.type': ('GIoULoss', 'SmoothL1Loss'),
    'loss_bbox.loss_weight': (10.0, 1.0),
    'loss_bbox.beta': (ABSENT, 1.0),
}
# configs/common/models/mask_rcnn_vitdet.py of facebookresearch/detectron2@13a99ca: padding to a square of 1024, two
# convolutions in the RPN, four and one layer in the box head, LayerNorm over channels (eps 1e-6) there and for masks
VITDET = {
    'data_preprocessor.pad_size_divisor': (1024, 32),
    'neck.type': ('swin_dense.SimpleFeaturePyramid', 'FPN'),
    'neck.in_channels': ([768], [256, 512, 1024, 2048]),
    'rpn_head.num_convs': (2, ABSENT),
    'roi_head.bbox_head.type': ('Shared4Conv1FCBBoxHead', 'Shared2FCBBoxHead'),
    'roi_head.bbox_head.conv_out_channels': (256, ABSENT),
    'roi_head.bbox_head.norm_cfg.type': ('swin_dense.ChannelNorm', ABSENT),
    'roi_head.bbox_head.norm_cfg.eps': (1e-6, ABSENT),
    'roi_head.mask_head.norm_cfg.type': ('swin_dense.ChannelNorm', ABSENT),
    'roi_head.mask_head.norm_cfg.eps': (1e-6, ABSENT),
    'train_cfg.rcnn.assigner.match_low_quality': (False, True),
}
HTC_BOX_HEAD = {'type': ('Shared4Conv1FCBBoxHead', 'Shared2FCBBoxHead')}
STAGES = tuple(f'roi_head.bbox_head.{stage}.' for stage in range(3))

DETECTORS = {
    'resnet/mask_rcnn_resnet_50_coco_1x': ('mask_rcnn/mask-rcnn_r50_fpn_1x_coco', {}),
    'resnet/cascade_mask_rcnn_resnet_50_coco_3x': (
        'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco',
        {stage + key: pair for stage in STAGES for key, pair in SWIN_BOX_HEAD.items()},
    ),
    'resnet/atss_resnet_50_coco_1x': ('atss/atss_r50_fpn_1x_coco', LEVELS),
    'resnet/reppoints_resnet_50_coco_1x': ('reppoints/reppoints-moment_r50_fpn-gn_head-gn_1x_coco', LEVELS),
    'resnet/retinanet_resnet_50_coco_1x': ('retinanet/retinanet_r50_fpn_1x_coco', LEVELS),
    'resnet/sparse_rcnn_resnet_50_coco_3x': (
        'sparse_rcnn/sparse-rcnn_r50_fpn_300-proposals_crop-ms-480-800-3x_coco',
        {},
    ),
    'swin/mask_rcnn_swin_tiny_coco_3x': ('swin/mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco', {}),
    'vit/mask_rcnn_vit_base_coco_100_epochs': ('mask_rcnn/mask-rcnn_r50_fpn_1x_coco', VITDET),
    'swin/htc_swin_base_22k_coco_6x': (
        'htc/htc_r50_fpn_1x_coco',
        {
            'neck.in_channels': ([128, 256, 512, 1024], [256, 512, 1024, 2048]),
            'data_preprocessor.pad_mask': (True, ABSENT),
            'roi_head.mask_head.1.with_conv_res': (True, ABSENT),
            'roi_head.mask_head.2.with_conv_res': (True, ABSENT),
            'train_cfg.rpn.assigner.match_low_quality': (True, ABSENT),
            'test_cfg.rcnn.nms.type': ('soft_nms', 'nms'),
        }
        | {stage + key: pair for stage in STAGES for key, pair in HTC_BOX_HEAD.items()},
    ),
}
SEGMENTORS = {
    'swin/upernet_swin_tiny_ade20k_160k': (
        'swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512',
        {},
    ),
    'swin/upernet_swin_small_ade20k_160k': (
        'swin/swin-small-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512',
        {},
    ),
    'swin/upernet_swin_base_ade20k_160k': (
        'swin/swin-base-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512',
        {},
    ),
    'resnet/upernet_resnet_50_ade20k_160k': ('upernet/upernet_r50_4xb4-160k_ade20k-512x512', {}),
    'resnet/upernet_resnet_101_ade20k_160k': ('upernet/upernet_r101_4xb4-160k_ade20k-512x512', {}),
    'vit/upernet_vit_base_ade20k_160k': ('vit/vit_vit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512', {}),
    'vit/upernet_deit_base_ade20k_160k': ('vit/vit_deit-b16_mln_upernet_8xb2-160k_ade20k-512x512', {}),
    'vit/upernet_deit_small_ade20k_160k': ('vit/vit_deit-s16_mln_upernet_8xb2-160k_ade20k-512x512', {}),
}


@functools.cache
def installed(library, name):
    return Config.fromfile(Path(importlib.util.find_spec(library).origin).parent / '.mim' / 'configs' / f'{name}.py')


def differences(ours, theirs):
    """Dotted key -> (ours, theirs)."""
    ours, theirs = (dict(flatten(Config(dict(values)).to_dict())) for values in (ours, theirs))
    keys = ours.keys() | theirs.keys()
    pairs = {key: (ours.get(key, ABSENT), theirs.get(key, ABSENT)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1] and not key.startswith(ELSEWHERE)}


@pytest.mark.parametrize(('leaf', 'name', 'expected'), [(leaf, *row) for leaf, row in DETECTORS.items()])
def test_detector(leaf, name, expected):
    assert differences(read(leaf).model, installed('mmdet', name).model) == expected


@pytest.mark.parametrize(('leaf', 'name', 'expected'), [(leaf, *row) for leaf, row in SEGMENTORS.items()])
def test_segmentor(leaf, name, expected):
    assert differences(read(leaf).model, installed('mmseg', name).model) == expected


@pytest.mark.parametrize('library', ['mmdet', 'mmseg'])
def test_backbones(library):
    for leaf, (name, expected) in (DETECTORS if library == 'mmdet' else SEGMENTORS).items():
        ours, theirs = dict(read(leaf).model.backbone), dict(installed(library, name).model.backbone)
        if leaf.startswith('resnet/'):
            indices = ours.pop('out_indices')
            assert indices == ((1, 2, 3) if expected is LEVELS else theirs['out_indices'])
            shared = ours.keys() - {'type', 'init_cfg'}
            assert {key: ours[key] for key in shared} == {key: theirs[key] for key in shared}
        elif 'drop_path_rate' in theirs:
            assert ours['drop_path_rate'] == theirs['drop_path_rate']
            assert ours.get('final_norm', False) == theirs.get('final_norm', False)


@pytest.mark.filterwarnings('ignore')
def test_norms_of_resnet_by_default():
    """What the leaves leave to the classes: mmdet keeps them in evaluation mode, mmseg trains them."""
    from mmdet.models.backbones import ResNet as Mmdet
    from mmseg.models.backbones import ResNet as Mmseg

    defaults = [inspect.signature(cls.__init__).parameters['norm_eval'].default for cls in (Mmdet, Mmseg)]
    assert defaults == [True, False]
    for leaf, library, table in (
        ('resnet/mask_rcnn_resnet_50_coco_1x', 'mmdet', DETECTORS),
        ('resnet/upernet_resnet_50_ade20k_160k', 'mmseg', SEGMENTORS),
    ):
        assert 'norm_eval' not in read(leaf).model.backbone
        assert installed(library, table[leaf][0]).model.backbone.norm_eval == (library == 'mmdet')


def test_augmentation_of_coco():
    ours = read('swin/mask_rcnn_swin_tiny_coco_3x')
    theirs = installed('mmdet', 'swin/mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco')
    for mode in ('train', 'val', 'test'):
        pipelines = [cfg[f'{mode}_dataloader'].dataset.pipeline for cfg in (ours, theirs)]
        # theirs tells LoadImageFromFile and LoadAnnotations that files are files
        unlike = {key: pair for key, pair in differences({'p': pipelines[0]}, {'p': pipelines[1]}).items() if pair[1]}
        assert unlike == {}
    assert ours.train_dataloader.dataset.filter_cfg == theirs.train_dataloader.dataset.filter_cfg
    assert ours.train_dataloader.batch_size * 8 == theirs.auto_scale_lr.base_batch_size


def test_scales_of_htc():
    ours = read('swin/htc_swin_base_22k_coco_6x').train_dataloader.dataset
    theirs = installed(
        'mmdet', 'htc/htc_x101-64x4d-dconv-c3-c5_fpn_ms-400-1400-16xb1-20e_coco'
    ).train_dataloader.dataset
    assert ours.pipeline == theirs.pipeline
    assert ours.data_prefix == theirs.data_prefix


@pytest.mark.parametrize(('leaf', 'name'), [
    ('swin/upernet_swin_tiny_ade20k_160k', '_base_/datasets/ade20k'),
    ('swin/upernet_swin_base_22k_ade20k_640_160k', '_base_/datasets/ade20k_640x640'),
])  # fmt: skip
def test_augmentation_of_ade20k(leaf, name):
    ours, theirs = read(leaf), installed('mmseg', name)
    for mode in ('train', 'val', 'test'):
        assert ours[f'{mode}_dataloader'].dataset.pipeline == theirs[f'{mode}_dataloader'].dataset.pipeline
    assert ours.model.data_preprocessor['size'] == theirs.crop_size


@pytest.mark.parametrize(('leaf', 'library', 'name', 'expected'), [
    # official Swin: 500 iterations of warm-up, and full rate after as many steps (here one step more is the end)
    ('swin/mask_rcnn_swin_tiny_coco_1x', 'mmdet', 'swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco', {'0.end': (501, 1000)}),
    ('swin/mask_rcnn_swin_tiny_coco_3x', 'mmdet', 'swin/mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco',
     {'0.end': (501, 1000)}),
    # official Swin: the rate falls from iteration 0, also while it warms up
    ('swin/upernet_swin_tiny_ade20k_160k', 'mmseg', SEGMENTORS['swin/upernet_swin_tiny_ade20k_160k'][0],
     {'0.end': (1501, 1500), '1.begin': (0, 1500), '1.end': (160001, 160000)}),
    ('vit/upernet_vit_base_ade20k_160k', 'mmseg', SEGMENTORS['vit/upernet_vit_base_ade20k_160k'][0],
     {'0.end': (1501, 1500), '1.begin': (0, 1500), '1.end': (160001, 160000)}),
])  # fmt: skip
def test_schedule_and_optimizer(leaf, library, name, expected):
    ours, theirs = read(leaf), installed(library, name)
    found = differences({'s': ours.param_scheduler}, {'s': theirs.param_scheduler})
    assert {key.removeprefix('s.'): pair for key, pair in found.items()} == expected
    assert ours.optim_wrapper.optimizer == theirs.optim_wrapper.optimizer
    assert ours.optim_wrapper.get('clip_grad') == theirs.optim_wrapper.get('clip_grad')
    for key in ('max_epochs', 'max_iters'):
        assert ours.train_cfg.get(key) == theirs.train_cfg.get(key)


def test_gradient_clipping_of_sparse_rcnn():
    theirs = installed('mmdet', DETECTORS['resnet/sparse_rcnn_resnet_50_coco_3x'][0])
    assert read('resnet/sparse_rcnn_resnet_50_coco_3x').optim_wrapper.clip_grad == theirs.optim_wrapper.clip_grad
