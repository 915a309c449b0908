"""Class names from the data to every part that needs them or their number."""

import json

import pytest
from mmengine.config import Config

from swin_dense.engine.class_names import class_counts, fill_classes, training_classes
from swin_dense.engine.settings import load_config
from tests.checks.planted import ROOT

pytestmark = pytest.mark.filterwarnings('ignore')


def without_counts(node):
    if isinstance(node, dict):
        node.pop('num_classes', None)
        for value in node.values():
            without_counts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            without_counts(value)


LEAVES = [
    'swin/cascade_mask_rcnn_swin_tiny_coco_1x.py', 'swin/htc_swin_base_22k_coco_6x.py',
    'swin/sparse_rcnn_swin_tiny_coco_1x.py', 'swin/atss_swin_tiny_coco_1x.py', 'swin/retinanet_swin_tiny_coco_1x.py',
    'swin/reppoints_swin_tiny_coco_1x.py', 'swin/mask_rcnn_swin_tiny_coco_1x.py', 'demo/mask_rcnn_swin_demo.py',
    'demo/upernet_swin_demo.py', 'swin/upernet_swin_tiny_ade20k_160k.py',
    'swin/upernet_swin_tiny_ade20k_160k_ms_flip.py',
]  # fmt: skip


@pytest.mark.parametrize('leaf', LEAVES)
def test_every_head_gets_the_number_that_its_config_says(leaf):
    """The oracle is the config itself: its numbers are taken out and have to come back."""
    cfg = load_config(ROOT / 'configs' / leaf)
    said = dict(class_counts(cfg.model))
    assert said
    others = {key: value for key, value in numbers(cfg.model).items() if key not in said}
    without_counts(cfg.model)
    fill_classes(cfg, known=('c',) * next(iter(said.values())))
    filled = dict(class_counts(cfg.model))
    assert {key: filled.get(key) for key in said} == said
    assert not set(filled) - set(said)
    assert not numbers(cfg.model).keys() & others.keys()  # of objects, of stuff: nothing was put there


def numbers(node, where='model'):
    found = {}
    if isinstance(node, dict):
        if 'num_classes' in node:
            found[f'{where}.num_classes'] = node['num_classes']
        for key, value in node.items():
            found |= numbers(value, f'{where}.{key}')
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            found |= numbers(value, f'{where}.{number}')
    return found


def test_names_of_a_type():
    cfg = load_config(ROOT / 'configs/swin/upernet_swin_tiny_ade20k_160k.py')
    found = training_classes(cfg)
    assert len(found.names) == 150
    assert found.names[0] == 'wall'
    fill_classes(cfg)
    assert 'metainfo' not in cfg.train_dataloader.dataset  # its type has names and colours


def own(tmp_path, **model):
    for split, names in (('train', ('b', 'a')), ('val', ('a', 'b'))):
        categories = [{'id': number, 'name': name} for number, name in enumerate(names, 3)]
        (tmp_path / f'{split}.json').write_text(json.dumps({'images': [], 'annotations': [], 'categories': categories}))
    loaders = {
        f'{split}_dataloader': {
            'dataset': {
                'type': 'RepeatDataset',
                'times': 2,
                'dataset': {'type': 'swin_dense.CocoDataset', 'data_root': str(tmp_path), 'ann_file': f'{split}.json'},
            }
        }
        for split in ('train', 'val')
    }
    return Config({'default_scope': 'mmdet', 'model': model, **loaders})


def test_names_of_an_annotation_file_go_everywhere(tmp_path):
    cfg = own(tmp_path, type='RetinaNet', bbox_head={'type': 'RetinaHead'}, backbone={'type': 'ResNet'})
    fill_classes(cfg)
    assert cfg.model.bbox_head.num_classes == 2
    assert 'num_classes' not in cfg.model.backbone
    for split in ('train', 'val'):  # the validation file has another order: labels are those of training
        inner = cfg[f'{split}_dataloader'].dataset.dataset
        assert inner.metainfo.classes == ('b', 'a')


def test_names_of_a_text_file(tmp_path):
    cfg = own(tmp_path, type='RetinaNet', bbox_head={'type': 'RetinaHead'})
    (tmp_path / 'names.txt').write_text('b\na\nc\n')
    cfg.train_dataloader.dataset.dataset.metainfo = {'classes': str(tmp_path / 'names.txt')}
    assert training_classes(cfg).names == ('b', 'a', 'c')
    fill_classes(cfg)
    assert cfg.model.bbox_head.num_classes == 3


def test_a_word_for_a_list_is_not_another_set_s_classes(tmp_path):
    cfg = own(tmp_path, type='RetinaNet', bbox_head={'type': 'RetinaHead'})
    cfg.train_dataloader.dataset.dataset.metainfo = {'classes': 'cat'}
    fill_classes(cfg)
    assert 'num_classes' not in cfg.model.bbox_head


@pytest.mark.parametrize('kind', [['RetinaHead'], {'a': 1}, 5, 'NoSuchHead'])
def test_what_is_no_type_is_left_to_the_checks(tmp_path, kind):
    cfg = own(tmp_path, type='RetinaNet', bbox_head={'type': kind})
    fill_classes(cfg)
    assert 'num_classes' not in cfg.model.bbox_head


@pytest.mark.parametrize(
    ('model', 'counted'),
    [
        ({'auxiliary_head': [{'type': 'FCNHead', 'num_classes': 19}, {'type': 'STDCHead', 'num_classes': 2}]}, [19]),
        ({'roi_head': {'bbox_head': {'num_classes': 80}}, 'panoptic_fusion_head': {'num_things_classes': 80}}, []),
        ({'bbox_head': {'num_classes': 256}, 'language_model': {'type': 'BertModel'}}, []),
        ({'detector': {'bbox_head': {'num_classes': 1}}, 'reid': {'head': {'num_classes': 380}}}, [1]),
    ],
)
def test_heads_that_count_something_else(model, counted):
    """As in configs that mmseg and mmdet ship: STDC, Panoptic FPN, Grounding DINO, trackers."""
    assert [count for _, count in class_counts(model)] == counted


def test_given_names_and_numbers_are_not_touched(tmp_path):
    cfg = own(tmp_path, type='RetinaNet', bbox_head={'type': 'RetinaHead', 'num_classes': 7})
    cfg.train_dataloader.dataset.dataset.metainfo = {'classes': ['a'], 'palette': [(1, 2, 3)]}
    fill_classes(cfg)
    assert cfg.model.bbox_head.num_classes == 7  # a contradiction is for the checks
    assert cfg.train_dataloader.dataset.dataset.metainfo == {'classes': ['a'], 'palette': [(1, 2, 3)]}


def test_without_the_data_the_names_that_are_known(tmp_path):
    cfg = own(tmp_path, type='RetinaNet', bbox_head={'type': 'RetinaHead'})
    for split in ('train', 'val'):
        (tmp_path / f'{split}.json').unlink()
    fill_classes(cfg)
    assert 'num_classes' not in cfg.model.bbox_head
    fill_classes(cfg, known=['x', 'y', 'z'])
    assert cfg.model.bbox_head.num_classes == 3
    assert cfg.val_dataloader.dataset.dataset.metainfo.classes == ('x', 'y', 'z')
