"""Every config of the zoo, on data of the form that it is for, has no error and no check that fails."""

import pytest
from mmdet.datasets import CocoDataset

from swin_dense.checks.command import find_faults
from swin_dense.datasets.demo_classes import ClassRecipe, make_demo_classes
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.settings import load_config
from tests.checks.tiny_sets import make_ade20k, make_coco
from tests.classification.image_files import write_folders
from tests.configs.recipes import CONFIGS, find_leaves

pytestmark = pytest.mark.filterwarnings('ignore')


@pytest.fixture(scope='module')
def roots(tmp_path_factory, sound_data):
    folder = tmp_path_factory.mktemp('roots')
    make_coco(folder / 'coco', CocoDataset.METAINFO['classes'])
    make_coco(folder / 'own', ('cat', 'dog'), splits=('train', 'val'))
    make_ade20k(folder / 'ade', 150)
    make_ade20k(folder / 'own', 2, first=0)
    for split in ('train', 'val'):
        names = tuple(f'n{number:08d}' for number in range(1000))
        write_folders(folder / 'imagenet' / split, classes=names, count=1)
    make_demo_classes(sound_data / 'classes', ClassRecipe(num_train=16, num_val=16))
    for name in ('segmentation/iter_300.pth', 'classifier/iter_800.pth'):  # that the demo's detectors start from
        (sound_data / name).parent.mkdir(exist_ok=True)
        (sound_data / name).touch()
    return {
        'COCO_ROOT': str(folder / 'coco'),
        'ADE20K_ROOT': str(folder / 'ade'),
        'IMAGENET_ROOT': str(folder / 'imagenet'),
        'DATASET_ROOT': str(folder / 'own'),
        'SWIN_DENSE_DEMO': str(sound_data),
        'SWIN_DENSE_HOME': str(folder / 'home'),
    }


@pytest.mark.parametrize('leaf', find_leaves())
def test_no_error(leaf, roots, monkeypatch):
    for name, value in roots.items():
        monkeypatch.setenv(name, value)
    cfg = load_config(CONFIGS / f'{leaf}.py')
    fill_classes(cfg)
    wrong = [each for each in find_faults(cfg) if each.level == 'error' or each.rule == 'check-failed']
    assert not wrong, '\n'.join(each.text() for each in wrong)
