"""What identifies the data of a run: its content, not where it lies. (Recipes: tests/comparison/test_recipes.py.)"""

import json
import shutil
from pathlib import Path

import cv2
import pytest
from mmengine.registry import DefaultScope

from swin_dense.datasets.demo import DemoRecipe, make_demo_data
from swin_dense.engine.fingerprints import data_fingerprint
from swin_dense.engine.settings import load_config
from swin_dense.registry import DATASETS

pytestmark = pytest.mark.filterwarnings('ignore')

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'demo'
LEAVES = {'detection': 'mask_rcnn_swin_demo.py', 'segmentation': 'upernet_swin_demo.py'}


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp('demo')
    make_demo_data(folder / 'data', DemoRecipe(num_train=8, num_val=3))
    return folder


@pytest.fixture
def own(demo, tmp_path, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(tmp_path / 'moved'))
    shutil.copytree(demo, tmp_path / 'moved')
    return tmp_path / 'moved' / 'data'


def fingerprint(task, split='train', repeat=False, **changes):
    cfg = load_config(CONFIGS / LEAVES[task])
    dataset = {**cfg[f'{split}_dataloader'].dataset, **changes}
    if repeat:
        dataset = {'type': 'mmengine.RepeatDataset', 'times': 2, 'dataset': dataset}
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return data_fingerprint(DATASETS.build(dataset))


@pytest.mark.parametrize('task', LEAVES)
def test_does_not_depend_on_the_place(task, demo, own, monkeypatch):
    moved = fingerprint(task)
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(demo))
    assert fingerprint(task) == moved
    assert fingerprint(task, 'val') != moved


@pytest.mark.parametrize('task', LEAVES)
def test_depends_on_each_image_and_on_classes(task, own):
    before = fingerprint(task)
    assert fingerprint(task, indices=7) != before
    assert fingerprint(task, repeat=True) == before  # what is done with the data is the recipe's
    image = sorted((own / task).rglob('train/*.jpg') if task == 'detection' else (own / task).rglob('training/*.jpg'))[
        4
    ]
    pixels = cv2.imread(str(image))
    pixels[:] = 255 - pixels
    cv2.imwrite(str(image), pixels)
    assert fingerprint(task) != before


def test_depends_on_annotations(own):
    before = fingerprint('detection')
    file = own / 'detection' / 'annotations' / 'instances_train.json'
    content = json.loads(file.read_text())
    content['annotations'][3]['bbox'][0] += 1
    file.write_text(json.dumps(content))
    assert fingerprint('detection') != before
    before = fingerprint('segmentation')
    mask = sorted((own / 'segmentation').rglob('training/*.png'))[2]
    values = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    values[:3] = 1 + values[0, 0] % 3
    cv2.imwrite(str(mask), values)
    assert fingerprint('segmentation') != before


def test_depends_on_the_order_of_classes(own):
    before = fingerprint('detection')
    names = load_config(CONFIGS / LEAVES['detection']).train_dataloader.dataset.metainfo.classes
    assert fingerprint('detection', metainfo={'classes': names[::-1]}) != before
