"""Leaves that are told where the data lies: templates for one's own, and tests with windows or several views."""

import copy
import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope

from swin_dense.checks.command import find_faults
from swin_dense.costs.description import describe
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.data_checks import check_class_counts, check_files
from swin_dense.engine.settings import load_config, restored_scope
from swin_dense.engine.testing import evaluate
from swin_dense.engine.training import train
from tests.configs.recipes import CONFIGS, read

pytestmark = pytest.mark.filterwarnings('ignore')
CLASSES = ('ring', 'square', 'triangle', 'star', 'cross')  # of the demo data
SMALL = (96, 72)
WITHOUT_WORKERS = {'train_dataloader.num_workers': 0, 'val_dataloader.num_workers': 0}


def test_own_boxes_need_a_folder_alone(demo, tmp_path, monkeypatch):
    monkeypatch.setenv('DATASET_ROOT', str(demo / 'data' / 'detection'))
    options = {
        **WITHOUT_WORKERS,
        'model.backbone.init_cfg': None,
        'train_cfg.max_epochs': 1,
        'train_dataloader.dataset.pipeline.3.scales': [SMALL],
        'val_dataloader.dataset.pipeline.1.scale': SMALL,
    }
    path = f'{CONFIGS}/templates/atss_swin_tiny_own_1x.py'
    assert train(path, work_dir=str(tmp_path), cfg_options=options) == 0
    assert 'coco/bbox_mAP' in (tmp_path / 'metrics.jsonl').read_text()
    trained = Config.fromfile(tmp_path / 'config.py')
    for mode in ('train', 'val'):
        assert trained[f'{mode}_dataloader'].dataset.metainfo.classes == CLASSES
    assert trained.model.bbox_head.num_classes == 5


def test_own_masks_need_a_folder_alone(demo, monkeypatch):
    monkeypatch.setenv('DATASET_ROOT', str(demo / 'data' / 'detection'))
    cfg = load_config(f'{CONFIGS}/templates/mask_rcnn_swin_tiny_own_1x.py')
    fill_classes(cfg)
    assert cfg.model.roi_head.bbox_head.num_classes == 5
    assert cfg.model.roi_head.mask_head.num_classes == 5
    with restored_scope():
        init_default_scope('mmdet')
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    check_files(dataset, name='train')
    check_class_counts(cfg.model, dataset)
    objects = dataset[0]['data_samples'].gt_instances
    assert len(objects.masks) == len(objects.bboxes) == len(objects.labels) > 0


def test_own_segmentation(demo, tmp_path, monkeypatch):
    monkeypatch.setenv('DATASET_ROOT', str(demo / 'data' / 'segmentation'))
    monkeypatch.setenv('CLASSES', 'other,sky,grass,water,sand,bricks,toy')
    options = {
        **WITHOUT_WORKERS,
        'model.backbone.init_cfg': None,
        'model.data_preprocessor.size': (64, 64),
        'model.decode_head.channels': 32,
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 2,
        'train_dataloader.dataset.pipeline.3.crop_size': (64, 64),
        'val_dataloader.dataset.pipeline.1.scale': SMALL,
    }
    path = f'{CONFIGS}/templates/upernet_swin_tiny_own_20k.py'
    assert train(path, work_dir=str(tmp_path), cfg_options=options) == 0
    assert 'mIoU' in (tmp_path / 'metrics.jsonl').read_text()


def test_own_data_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv('DATASET_ROOT', str(tmp_path / 'nowhere'))
    with pytest.raises(ValueError, match=r'(?s)no folder .*nowhere.*DATASET_ROOT'):
        train(f'{CONFIGS}/templates/atss_swin_tiny_own_1x.py', work_dir=str(tmp_path / 'work'))


@pytest.mark.parametrize('template', ['atss', 'mask_rcnn'])
@pytest.mark.parametrize('broken', [('train',), ('train', 'val')])
def test_a_broken_annotation_file_is_what_is_wrong(demo, tmp_path, monkeypatch, template, broken):
    """Not the config, which takes its classes from there."""
    root = tmp_path / 'data'
    shutil.copytree(demo / 'data' / 'detection', root)
    for split in broken:
        path = root / 'annotations' / f'instances_{split}.json'
        path.write_text(path.read_text()[:5000])
    monkeypatch.setenv('DATASET_ROOT', str(root))
    cfg = load_config(f'{CONFIGS}/templates/{template}_swin_tiny_own_1x.py')
    fill_classes(cfg)
    with restored_scope():
        wrong = [each for each in find_faults(cfg) if each.level == 'error' or each.rule == 'check-failed']
    assert [(each.rule, Path(each.file).name) for each in wrong] == [
        ('annotations-not-json', f'instances_{split}.json') for split in broken
    ]
    with pytest.raises(ValueError, match=r'(?s)instances_train.json.*not valid JSON.*cut off'):
        train(f'{CONFIGS}/templates/{template}_swin_tiny_own_1x.py', work_dir=str(tmp_path / 'work'))


@pytest.mark.parametrize('template', ['atss', 'mask_rcnn'])
def test_costs_need_no_data(tmp_path, monkeypatch, capsys, template):
    monkeypatch.setenv('DATASET_ROOT', str(tmp_path / 'nowhere'))
    assert describe([f'{CONFIGS}/templates/{template}_swin_tiny_own_1x.py'], shape=(64, 96)) == 0
    assert 'backbone' in capsys.readouterr().out


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A model that has learned nothing, and that names each of the six classes of the demo data now and then."""
    model_cfg = copy.deepcopy(read('swin/upernet_swin_tiny_ade20k_160k').model)
    model_cfg.backbone.init_cfg, model_cfg.decode_head.channels = None, 32
    with restored_scope(), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        init_default_scope('mmseg')
        model = MODELS.build(model_cfg).eval()
    with torch.no_grad():
        scores = model(torch.randn(1, 3, 64, 64))
        model.decode_head.conv_seg.bias -= scores.mean((0, 2, 3))
        model.decode_head.conv_seg.bias[:6] += 100 * scores.std()
    path = tmp_path_factory.mktemp('weights') / 'random.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return str(path)


@pytest.fixture
def results(checkpoint, demo, tmp_path, monkeypatch):
    """Evaluate a leaf that tests the same model on the demo data."""
    monkeypatch.setenv('ADE20K_ROOT', str(demo / 'data' / 'segmentation'))

    def evaluate_leaf(ending, **options):
        out = tmp_path / f'test{len(list(tmp_path.iterdir()))}' / 'results.json'
        out.parent.mkdir()
        options = {key.replace('__', '.'): value for key, value in options.items()}
        channels = 'model.module.decode_head.channels' if ending == '_ms_flip' else 'model.decode_head.channels'
        # mmengine keeps loggers by name and second
        options = {'experiment_name': out.parent.name, 'test_dataloader.num_workers': 0, channels: 32, **options}
        path = f'{CONFIGS}/swin/upernet_swin_tiny_ade20k_160k{ending}.py'
        assert evaluate(path, checkpoint, out=str(out), cfg_options=options) == 0
        return json.loads(out.read_text())

    return evaluate_leaf


def test_several_views(results):
    pipeline = read('swin/upernet_swin_tiny_ade20k_160k_ms_flip').test_dataloader.dataset.pipeline
    flips, *rest = pipeline[1].transforms[1:]
    sizes = [{'type': 'Resize', 'scale': scale, 'keep_ratio': True} for scale in (SMALL, (128, 96))]

    def tested(sizes, flips):
        return results('_ms_flip', test_dataloader__dataset__pipeline__1__transforms=[sizes, flips, *rest])

    plain = results('', test_dataloader__dataset__pipeline__1__scale=SMALL)
    one_view, several = tested(sizes[:1], flips[:1]), tested(sizes, flips)
    assert one_view['metrics']['aAcc'] == plain['metrics']['aAcc'] > 0
    assert several['metrics']['aAcc'] not in (plain['metrics']['aAcc'], 0)
    assert plain['protocol']['test_cfg'] == {'mode': 'whole'}
    assert several['protocol']['test_cfg'] == {'around': 'SegTTAModel', 'mode': 'whole'}


def test_windows(results):
    options = {
        'test_dataloader__dataset__pipeline__1__scale': SMALL,
        'model__test_cfg__crop_size': (48, 48),
        'model__test_cfg__stride': (32, 32),
    }
    found = results('_slide', **options)
    assert found['protocol']['test_cfg'] == {'mode': 'slide', 'crop_size': [48, 48], 'stride': [32, 32]}
    assert found['metrics']['aAcc'] > 0
