"""Published results: numbers as their sources have them, names, and no second truth beside the tables of configs/."""

import re
from pathlib import Path

import pytest
import yaml

from swin_dense.checkpoints.zoo import zoo
from swin_dense.comparison.published import FILES, published_results, published_rows

ROOT = Path(__file__).parents[2]

# read off the sources' tables by hand
# fmt: off
BY_HAND = {
    'mask_rcnn_swin_tiny_coco_1x@swindet': ('Swin-T', {'bbox_mAP': 43.7, 'segm_mAP': 39.8}, 48e6, 267e9),
    'mask_rcnn_swin_small_coco_3x@swindet': ('Swin-S', {'bbox_mAP': 48.5, 'segm_mAP': 43.3}, 69e6, 359e9),
    'cascade_mask_rcnn_swin_tiny_coco_3x@swin_paper': ('Swin-T', {'bbox_mAP': 50.5, 'segm_mAP': 43.7}, 86e6, 745e9),
    'atss_resnet_50_coco_3x@swin_paper': ('ResNet-50', {'bbox_mAP': 43.5}, 32e6, 205e9),
    'htc_swin_large_22k_coco_6x_ms@swin_paper':
        ('Swin-L', {'bbox_mAP_ms': 58.0, 'segm_mAP_ms': 50.4}, 284e6, None),
    'mask_rcnn_resnet_50_coco_1x@mmdet': ('ResNet-50', {'bbox_mAP': 38.2, 'segm_mAP': 34.7}, None, None),
    'cascade_mask_rcnn_resnet_50_coco_sgd@swin_paper_t9':
        ('ResNet-50', {'bbox_mAP': 45.0, 'segm_mAP': 38.5}, None, None),
    'cascade_mask_rcnn_resnext_101_64x4d_coco_sgd@swin_paper_t9':
        ('ResNeXt-101 64x4d', {'bbox_mAP': 48.8, 'segm_mAP': 41.4}, None, None),
    'upernet_swin_tiny_ade20k_160k@swinseg': ('Swin-T', {'mIoU': 44.51, 'mIoU_ms': 45.81}, 60e6, 945e9),
    'upernet_resnet_101_ade20k_160k@swin_paper': ('ResNet-101', {'mIoU_ms': 44.9}, 86e6, 1029e9),
    'upernet_deit_small_mln_ade20k_160k@mmseg': ('DeiT-S, MLN', {'mIoU': 43.82, 'mIoU_ms': 45.07}, None, None),
    'cascade_mask_rcnn_vit_huge_coco_vitdet@vitdet_paper': ('ViT-H', {'bbox_mAP': 58.7, 'segm_mAP': 50.9}, None, None),
    'mask_rcnn_vit_large_coco_100_epochs@d2_vitdet': ('ViT-L', {'bbox_mAP': 55.5, 'segm_mAP': 49.2}, None, None),
    'upernet_shift_vit_tiny_ade20k@pwc': ('ShiftViT-T', {'mIoU': 46.3}, None, None),
}
# fmt: on


@pytest.mark.parametrize('name', BY_HAND)
def test_numbers_of_the_sources(name):
    (row,) = published_rows([name])
    model, metrics, parameters, macs = BY_HAND[name]
    assert (row.model, row.metrics) == (model, metrics)
    assert row.parameters == (None if parameters is None else pytest.approx(parameters))
    assert row.macs == (None if macs is None else pytest.approx(macs))


def test_all_are_whole_and_of_a_source():
    rows = published_results()
    contents = [yaml.safe_load(file.read_text()) for file in FILES]
    for file, content in zip(FILES, contents, strict=True):
        assert {name.partition('@')[2] for name in content['results']} == set(content['sources'])
        # yaml keeps the last of equal keys
        assert len(re.findall(r'^  \S+@\S+:$', file.read_text(), re.M)) == len(content['results'])
    assert len(rows) == sum(len(content['results']) for content in contents) > 140
    for name, row in rows.items():
        assert not row.weights or row.weights in zoo(), name
        if 'top1' in row.metrics:
            assert row.metrics.keys() <= {'top1', 'top5'}, name
            assert 65 < row.metrics['top1'] < row.metrics.get('top5', 100) < 101, name
            assert row.macs is None or 2e9 < row.macs < 3e12, name
            continue
        assert row.metrics.keys() <= {'bbox_mAP', 'segm_mAP', 'bbox_mAP_ms', 'segm_mAP_ms', 'mIoU', 'mIoU_ms'}, name
        assert row.metrics, name
        assert all(30 < value < 65 for value in row.metrics.values()), name
        assert row.parameters is None or 2e7 < row.parameters < 4e8, name
        assert row.macs is None or 1e11 < row.macs < 4e12, name
        assert ('ADE20K' in row.recipe) == any('mIoU' in metric for metric in row.metrics), name


# the sources behind the numbers in brackets of each README
MARKS = {
    'swin': {'1': 'swindet', '2': 'swinseg', '3': 'swin_readme', '4': 'swin_paper'},
    'resnet': {'1': 'swin_paper', '2': 'mmdet', '3': 'mmseg'},
    'vit': {'1': 'd2_vitdet', '2': 'mmseg', '3': 'deit'},
}
# of numbers on ImageNet
OF_CLASSES = {'swin_readme': 'swin_readme_classes', 'swin_paper': 'swin_paper_t1'}
# what the tables call by another name than the config
OTHER_NAMES = {
    'upernet_vit_base_ade20k_160k': 'upernet_vit_base_ln_mln_ade20k_160k',
    'upernet_deit_small_ade20k_160k': 'upernet_deit_small_mln_ade20k_160k',
    'upernet_deit_base_ade20k_160k': 'upernet_deit_base_mln_ade20k_160k',
}


def test_tables_of_the_configs_say_the_same():
    checked = 0
    for family, marks in MARKS.items():
        text = (ROOT / 'configs' / family / 'README.md').read_text()
        for line in re.findall(r'^\| `[a-z]\w+` \|.*$', text, re.M):
            config = line.split('`')[1]
            result = f'{OTHER_NAMES.get(config, config)}@'
            for number, mark in re.findall(r'(\d\d\.\d+) \[(\d)\]', line):
                source = marks[mark]
                if config.startswith('classifier_'):
                    row = published_results()[result + OF_CLASSES.get(source, source)]
                else:
                    row = published_results().get(result + source)
                if row is not None:
                    assert float(number) in row.metrics.values(), (config, number, row)
                    checked += 1
    assert checked >= 65


def test_names():
    both = published_rows(['mask_rcnn_swin_tiny_coco_3x'])
    assert [row.source.partition('@')[0].rpartition('/')[2] for row in both] == [
        'Swin-Transformer-Object-Detection',
        'onedl-mmdetection',
    ]
    assert published_rows(['mask_rcnn_swin_tiny_coco_3x@swindet']) == both[:1]
    assert published_rows(['mask_rcnn_swin_tiny*_3x@*det']) == both
    twice = published_rows(['mask_rcnn_swin_tiny_coco_3x@mmdet', 'mask_rcnn_swin_tiny_coco_3x'])
    assert twice == both[::-1]
    assert published_rows(['*']) == list(published_results().values())
    assert {row.model for row in published_rows(['upernet_shift_vit_*'])} == {'ShiftViT-T', 'ShiftViT-S', 'ShiftViT-B'}
    assert published_rows([]) == []


@pytest.mark.parametrize(
    ('name', 'meant'),
    [
        ('mask_rcnn_swin_tiny_3x', 'mask_rcnn_swin_tiny_coco_3x'),
        ('upernet_swin_tiny_ade20k@swinseg', 'upernet_swin_tiny_ade20k_160k@swinseg'),
    ],
)
def test_unknown_names_say_what_is_meant(name, meant):
    with pytest.raises(ValueError, match=f"no published result '{name}'. Did you mean [^?]*{meant}") as caught:
        published_rows(['atss*', name])
    assert all(f'\n  {known}' in str(caught.value) for known in published_results())


def test_a_pattern_of_nothing_is_unknown():
    with pytest.raises(ValueError, match=r"no published result 'yolo\*'\. A name may have"):
        published_rows(['yolo*'])
