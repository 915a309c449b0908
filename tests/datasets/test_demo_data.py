"""The demo data as it lies on disk, read back with pycocotools and Pillow."""

import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from pycocotools.coco import COCO

from swin_dense.datasets import demo
from swin_dense.datasets.demo import REFERENCE_DIGEST, DemoRecipe, make_demo_data
from swin_dense.datasets.demo_folders import tree_digest
from swin_dense.datasets.demo_scenes import SEMANTIC_CLASSES, SHAPE_CLASSES

TOOL = Path(__file__).parents[2] / 'tools' / 'make_demo_data.py'
SMALL = DemoRecipe(num_train=4, num_val=2)
# pycocotools 2.0.11 predates numpy 2's `copy` keyword
pytestmark = pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')

SPLITS = {'train': 'training', 'val': 'validation'}


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return make_demo_data(tmp_path_factory.mktemp('demo') / 'data')


@pytest.fixture(scope='module')
def cocos(data):
    return {split: COCO(data.directory / f'detection/annotations/instances_{split}.json') for split in SPLITS}


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_bytes_are_the_recorded_ones(data):
    assert data.is_new
    assert tree_digest(data.directory) == data.digest == REFERENCE_DIGEST


def test_masks_are_compressed_the_same_by_another_zlib(data):
    """Pillow carries zlib-ng; this Python's zlib is another implementation. The recorded bytes need neither."""
    paths = sorted((data.directory / 'segmentation/annotations/training').glob('*.png'))
    assert len(paths) == 480
    for path in paths[::10]:
        raw = path.read_bytes()
        chunks = b''.join(
            raw[match.end() : match.end() + int.from_bytes(raw[match.start() - 4 : match.start()])]
            for match in re.finditer(b'IDAT', raw)
        )
        again = zlib.compressobj(9, memLevel=9, strategy=zlib.Z_RLE)
        assert again.compress(zlib.decompress(chunks)) + again.flush() == chunks


def test_ids_are_unique_and_no_picture_is_in_both_splits(data, cocos):
    lists = [
        json.loads((data.directory / f'detection/annotations/instances_{split}.json').read_text()) for split in SPLITS
    ]
    for key, least in (('images', 576), ('annotations', 1800)):
        ids = [entry['id'] for listing in lists for entry in listing[key]]
        assert len(set(ids)) == len(ids) >= least
    pictures = [path.read_bytes() for path in data.directory.glob('detection/*/*.jpg')]
    assert len(set(pictures)) == len(pictures) == 576


@pytest.mark.parametrize('split', SPLITS)
def test_boxes_and_areas_are_those_of_the_masks(cocos, split):
    coco = cocos[split]
    for annotation in coco.anns.values():
        mask = coco.annToMask(annotation)
        rows, columns = np.nonzero(mask)
        left, top, width, height = annotation['bbox']
        assert (left, top) == (columns.min(), rows.min())
        assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)
        assert annotation['area'] == mask.sum() >= 60


@pytest.mark.parametrize('split', SPLITS)
def test_each_class_a_crowd_and_an_empty_picture_are_in_each_split(cocos, split):
    coco = cocos[split]
    assert [category['name'] for category in coco.dataset['categories']] == list(SHAPE_CLASSES)
    assert min(len(coco.getAnnIds(catIds=[category])) for category in coco.cats) >= 20
    crowds = [annotation for annotation in coco.anns.values() if annotation['iscrowd']]
    assert crowds
    assert all(isinstance(crowd['segmentation'], dict) for crowd in crowds)
    assert any(not coco.getAnnIds(imgIds=[image]) for image in coco.imgs)


@pytest.mark.parametrize(('split', 'ade_split'), SPLITS.items())
def test_semantic_masks_agree_with_the_instances(data, cocos, split, ade_split):
    coco, seen = cocos[split], np.zeros(1 + len(SEMANTIC_CLASSES), int)
    for image in coco.imgs.values():
        photo = data.directory / 'segmentation/images' / ade_split / image['file_name']
        picture = data.directory / 'detection' / split / image['file_name']
        assert photo.read_bytes() == picture.read_bytes()
        assert _pixels(picture).shape == (image['height'], image['width'], 3)
        path = data.directory / 'segmentation/annotations' / ade_split / image['file_name'].replace('.jpg', '.png')
        labels = _pixels(path)
        toys = np.zeros(labels.shape, int)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image['id']])):
            toys += coco.annToMask(annotation)
        # equal, so what is seen of two toys does not overlap either
        np.testing.assert_array_equal(labels == 1 + SEMANTIC_CLASSES.index('toy'), toys)
        seen += np.bincount(labels.ravel(), minlength=seen.size)  # fails if a label is too high
    assert (seen / seen.sum() > 0.01).all()


def test_configs_name_the_classes_in_the_order_of_the_data(monkeypatch):
    monkeypatch.delenv('SWIN_DENSE_DATA', raising=False)
    root = Path(__file__).parents[2] / 'configs/_base_/datasets'
    for name, classes in (('demo_instance.py', SHAPE_CLASSES), ('demo_semantic.py', SEMANTIC_CLASSES)):
        config = Config.fromfile(root / name)
        assert config.classes == classes
        assert len(config.palette) == len(classes)
        assert config.data_root.startswith('demo/data/')


def test_pictures_vary_in_size_and_brightness(data):
    pictures = [_pixels(path) for path in data.directory.glob('detection/val/*.jpg')]
    assert len({picture.shape for picture in pictures}) >= 5
    means = [picture.mean() for picture in pictures]
    assert max(means) > 1.8 * min(means)
    assert max(picture.shape[0] for picture in pictures) != max(picture.shape[1] for picture in pictures)


def test_equal_recipes_give_equal_bytes_and_another_seed_others(tmp_path):
    first, second = (make_demo_data(tmp_path / name, SMALL) for name in 'ab')
    third = make_demo_data(tmp_path / 'c', DemoRecipe(seed=1, num_train=4, num_val=2))
    assert first.digest == second.digest == tree_digest(tmp_path / 'b')
    assert third.digest != first.digest
    pictures = [path.read_bytes() for directory in 'ac' for path in (tmp_path / directory).glob('detection/*/*.jpg')]
    assert len(set(pictures)) == len(pictures) == 12


def test_complete_data_is_kept_and_touched_by_nobody(tmp_path):
    (tmp_path / 'data').mkdir()  # an empty directory will do
    make_demo_data(tmp_path / 'data', SMALL)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*')}
    again = make_demo_data(tmp_path / 'data', SMALL)
    assert not again.is_new
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*')} == before


def test_an_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return []

    monkeypatch.setattr(demo, '_annotate', interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_demo_data(tmp_path / 'data', SMALL)
    assert list(tmp_path.iterdir()) == []


def test_whatever_else_lies_there_is_an_error_and_stays(tmp_path):
    (tmp_path / 'letter.txt').write_text('dear')
    with pytest.raises(ValueError, match='holds other files'):
        make_demo_data(tmp_path, SMALL)
    with pytest.raises(ValueError, match='is a file'):
        make_demo_data(tmp_path / 'letter.txt', SMALL)
    make_demo_data(tmp_path / 'data', SMALL)
    with pytest.raises(ValueError, match='holds other demo data'):
        make_demo_data(tmp_path / 'data', DemoRecipe(seed=7))
    (tmp_path / 'data/detection/train/000001.jpg').unlink()
    with pytest.raises(ValueError, match='was changed'):
        make_demo_data(tmp_path / 'data', SMALL)
    (tmp_path / 'data/demo_data.json').write_text('[]')
    with pytest.raises(ValueError, match='not a record'):
        make_demo_data(tmp_path / 'data', SMALL)
    assert (tmp_path / 'letter.txt').read_text() == 'dear'


def _run_tool(*args, cwd):
    return subprocess.run([sys.executable, TOOL, *map(str, args)], cwd=cwd, capture_output=True, text=True)


def test_tool_writes_from_any_directory_and_says_what_it_did(tmp_path):
    for word in ('Wrote', 'Kept'):
        done = _run_tool('data', '--num-train', 3, '--num-val', 1, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(word)
    assert len(list(tmp_path.glob('data/detection/*/*.jpg'))) == 4
    assert 'examples:' in _run_tool('--help', cwd=tmp_path).stdout


def test_tool_reports_errors_in_one_sentence_with_an_exit_code(tmp_path):
    (tmp_path / 'file').write_text('')
    for arguments, words in (
        (['.'], 'holds other files'),
        (['file/data'], 'file'),
        (['x', '--seed', 'one'], 'whole number'),
    ):
        done = _run_tool(*arguments, cwd=tmp_path)
        assert done.returncode != 0
        assert words in ' '.join(done.stderr.split())
        assert 'Traceback' not in done.stderr
