"""Every leaf config: its form, and that it builds at full size (on the meta device) with fitting channels, classes."""

import copy
import re
import socket
import warnings
from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS, init_default_scope

from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.settings import restored_scope
from tests.configs.recipes import CONFIGS, OFFICIAL_LEAVES, bases, find_leaves, read

LEAVES = find_leaves()
# a leaf of its own, or one that varies another
WHOLE = [leaf for leaf in LEAVES if len(bases(leaf)) > 1]


OWN_CLASSES = ('cat', 'dog')  # of templates, which take them from data


def build(cfg):
    cfg = copy.deepcopy(cfg)
    fill_classes(cfg, known=OWN_CLASSES)
    with restored_scope(), warnings.catch_warnings(), torch.device('meta'):
        warnings.simplefilter('ignore')  # those of mmdet and mmseg
        init_default_scope(cfg.default_scope)
        return MODELS.build(cfg.model)  # detectors write into it


def test_all_are_found():
    assert len(LEAVES) == 188
    assert len(WHOLE) == 140
    files = [path for path in CONFIGS.rglob('*') if path.suffix == '.py' and '_base_' not in path.parts]
    assert len(files) == len(LEAVES)


@pytest.mark.parametrize('leaf', LEAVES)
def test_form(leaf):
    text = (CONFIGS / f'{leaf}.py').read_text()
    assert len(text.splitlines()) <= 25
    assert 'openmmlab.com' not in text
    if leaf not in WHOLE:
        (base,) = bases(leaf)
        assert base.removesuffix('.py') in WHOLE
        return
    folders = [str(Path(base).parent) for base in bases(leaf)]
    assert folders[:-1] == ['_base_/models', '_base_/backbones', '_base_/datasets', '_base_/schedules']
    assert bases(leaf)[-1] == '_base_/runtime.py'
    assert '_delete_' not in text


@pytest.mark.parametrize('leaf', [leaf for leaf in WHOLE if not leaf.startswith('demo/') and '/ablations/' not in leaf])
def test_names_say_what_is_inside(leaf):
    """<model>_<backbone>_<dataset>_<schedule>"""
    model, backbone, dataset, schedule = (Path(base).stem for base in bases(leaf)[:4])
    family, name = leaf.split('/')
    model = re.sub('_(fpn|vitdet|multi_level|mixed)$', '', model)
    backbone = backbone.removesuffix('_windowed')
    dataset = re.sub('^(coco|own)_.*', r'\1', dataset)
    dataset = re.sub('_(plain|repeated)$', '', dataset)
    schedule = {
        'adamw_12_epochs': '1x', 'adamw_36_epochs': '3x', 'adamw_72_epochs': '6x', 'adamw_100_epochs': '100_epochs',
        'adamw_160k_iters': '160k', 'adamw_20k_iters': '20k', 'adamw_30_epochs_clips': '30_epochs',
        'adamw_30_epochs_clips_tiny': '30_epochs', 'adamw_60_epochs_clips': '60_epochs',
        'adamw_300_epochs_classes': '300_epochs', 'adamw_300_epochs_classes_repeated': '300_epochs',
        'adamw_300_epochs_classes_deit': '300_epochs', 'adamw_30_epochs_classes': '30_epochs',
        'adamw_30_epochs_classes_384': '30_epochs', 'sgd_90_epochs_classes': '90_epochs',
    }[schedule]  # fmt: skip
    assert name == f'{model}_{backbone}_{dataset}_{schedule}'
    assert family == 'templates' or backbone.startswith(family) or (family, backbone[:4]) == ('vit', 'deit')


def test_every_base_has_a_leaf():
    used = {base for leaf in WHOLE for base in bases(leaf)}
    there = {str(path.relative_to(CONFIGS)) for path in (CONFIGS / '_base_').rglob('*.py')}
    derived = {
        str((path.parent / name).resolve().relative_to(CONFIGS))
        for path in (CONFIGS / '_base_').rglob('*.py')
        for name in re.findall(r"^_base_ = \['(.+)'\]$", path.read_text(), flags=re.MULTILINE)
    }
    assert {base for base in there if '/backbones/' not in base} == {
        base for base in used | derived if '/backbones/' not in base
    }  # backbones are there to be taken by any leaf


@pytest.mark.parametrize('leaf', LEAVES)
def test_builds_at_full_size(leaf, monkeypatch):
    monkeypatch.setattr(socket, 'socket', None)  # weights are looked for by init_weights, not before
    cfg = read(leaf)
    model = build(cfg)
    inner = model.module if hasattr(model, 'module') else model
    channels = level_channels(inner.backbone)
    neck = getattr(inner, 'neck', None)
    if neck is not None:
        assert taken_channels(neck) == channels
    if cfg.default_scope == 'mmseg':
        outputs = channels if neck is None or type(neck).__name__ == 'FrameMaps' else [neck.out_channels] * 4
        assert list(inner.decode_head.in_channels) == outputs
        if inner.with_auxiliary_head:
            assert inner.auxiliary_head.in_channels == outputs[inner.auxiliary_head.in_index]
    if cfg.default_scope == 'mmengine':
        assert inner.cls_head.in_channels == channels[-1]
    counts = class_counts(inner)
    assert counts == {expected_classes(cfg, leaf)}
    total = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    if (row := OFFICIAL_LEAVES.get(leaf, {})).get('parameters'):
        assert total + row.get('left_out', 0) == pytest.approx(row['parameters'], rel=0.01)


def level_channels(backbone):
    """Of each level; mmdet's and mmseg's ResNet do not say: of the last convolution of each stage."""
    if hasattr(backbone, 'out_channels'):
        return list(backbone.out_channels)
    last_blocks = [getattr(backbone, backbone.res_layers[level])[-1] for level in backbone.out_indices]
    return [getattr(block, 'conv3', block.conv2).out_channels for block in last_blocks]


def taken_channels(neck):
    if hasattr(neck, 'simfp_4'):
        return [neck.simfp_4[0].in_channels]
    return list(neck.in_channels if hasattr(neck, 'in_channels') else neck[0].in_channels)  # of the first of several


def class_counts(model):
    """Of all that classifies, but objects against background and the maps of HTC with stuff in them."""
    parts = model.named_modules()
    return {
        m.num_classes
        for name, m in parts
        if hasattr(m, 'num_classes') and not name.endswith(('rpn_head', 'semantic_head'))
    }


def expected_classes(cfg, leaf):
    if leaf.startswith('templates/') and cfg.default_scope == 'mmdet':
        return len(OWN_CLASSES)
    classes = cfg.train_dataloader.dataset.get('metainfo', {}).get('classes')
    known = {
        'swin_dense.ClipSegmentationDataset': 124,
        'swin_dense.CocoDataset': 80,
        'ADE20KDataset': 150,
        'swin_dense.SomethingSomethingDataset': 174,
    }
    if '_imagenet1k_' in leaf:
        return 1000
    if kinetics := re.search(r'_kinetics(\d+)_', leaf):
        return int(kinetics[1])
    return len(classes) if classes and not isinstance(classes, str) else known[cfg.train_dataloader.dataset.type]


def test_depths_of_the_ablation_are_of_one_size():
    """Expand ratios 1, 2, 3 at equal parameters and multiply-adds; 4 is the official R4."""

    def backbone(name):
        return build(read(name)).backbone

    ratio_2 = backbone('shift_vit/upernet_shift_vit_tiny_ade20k_160k')
    size = sum(p.numel() for p in ratio_2.parameters())
    for ratio, layers in ((1, 225), (3, 75), (4, 57)):
        other = backbone(f'shift_vit/ablations/upernet_shift_vit_tiny_tau{ratio}_ade20k_160k')
        blocks = [len(stage.blocks) for stage in other.layers]
        assert 3 * sum(blocks) == layers  # a shift and two layers a block
        if ratio < 4:
            assert sum(p.numel() for p in other.parameters()) == pytest.approx(size, rel=0.01)
            assert ratio * sum(blocks) == pytest.approx(
                2 * sum(len(stage.blocks) for stage in ratio_2.layers), rel=0.015
            )


# there is no ShiftViT of Swin-L's size; leaves of classifiers say how the official Swin classifies: it does not shift
# where one window covers the map
SWAPPED = [
    leaf
    for leaf in WHOLE
    if leaf.startswith(('swin/', 'templates/')) and not re.search('_large|_window12|/classifier_', leaf)
]


@pytest.mark.parametrize('leaf', SWAPPED)
def test_another_backbone_is_one_line(leaf, tmp_path):
    lines = (CONFIGS / f'{leaf}.py').read_text().replace("'../_base_", f"'{CONFIGS}/_base_").splitlines(keepends=True)
    (number,) = [number for number, line in enumerate(lines) if '/_base_/backbones/' in line]
    lines[number] = lines[number].replace('_22k', '').replace('swin_', 'shift_vit_')
    (tmp_path / 'swapped.py').write_text(''.join(lines))
    cfg = read(str(tmp_path / 'swapped'))
    model = build(cfg)
    assert type(model.backbone).__name__ == 'ShiftViT'
    taken = model.neck.in_channels if hasattr(model, 'neck') else model.decode_head.in_channels
    assert tuple(taken) == model.backbone.out_channels
    plain = read(leaf)
    assert {**cfg.model.backbone, 'type': '', 'init_cfg': ''} == {**plain.model.backbone, 'type': '', 'init_cfg': ''}
    for key in plain.keys() - {'model', 'backbone', 'pyramid_channels'}:
        assert cfg[key] == plain[key], key
