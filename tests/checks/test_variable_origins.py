"""What is wrong with a template's data is told with the variable that the value comes from."""

import pytest

from swin_dense.checks.command import find_faults
from swin_dense.checks.findings import Finding
from swin_dense.checks.variable_origins import Origins
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.settings import load_config
from tests.checks.planted import ROOT

pytestmark = pytest.mark.filterwarnings('ignore')
TEMPLATES = ROOT / 'configs' / 'templates'
DETECTION, SEGMENTATION = 'atss_swin_tiny_own_1x.py', 'upernet_swin_tiny_own_20k.py'


@pytest.mark.parametrize(
    ('template', 'variables', 'rule', 'says'),
    [
        (DETECTION, {'VAL_JSON': 'annotations/no.json'}, 'annotations-missing', 'the variable VAL_JSON=annotations/no'),
        (DETECTION, {'TRAIN_IMAGES': 'no/'}, 'image-missing', 'the variable TRAIN_IMAGES=no/'),
        (DETECTION, {'DATASET_ROOT': 'no'}, 'annotations-missing', 'the variable DATASET_ROOT=no'),
        (SEGMENTATION, {'LABEL_MAP': '255:99'}, 'mask-arguments', 'the variable LABEL_MAP=255:99'),
        (SEGMENTATION, {'CLASSES': 'other,sky'}, 'mask-values', 'the variable CLASSES=other,sky'),
        (SEGMENTATION, {'VAL_MASKS': 'no'}, 'folder-missing', 'the variable VAL_MASKS=no'),
        (SEGMENTATION, {'CLASSES': 'other,sky'}, 'folder-missing', "VAL_IMAGES (not set: 'images/validation')"),
    ],
)
def test_variables_of_templates(template, variables, rule, says, own_data, monkeypatch):
    root = own_data / 'data' / ('detection' if template == DETECTION else 'segmentation')
    if 'VAL_IMAGES' in says:
        (root / 'images' / 'validation').rename(root / 'images' / 'elsewhere')
    for name, value in {'DATASET_ROOT': str(root), **variables}.items():
        monkeypatch.setenv(name, value)
    cfg = load_config(TEMPLATES / template)
    fill_classes(cfg)
    found = [each for each in find_faults(cfg) if each.rule == rule]
    assert any(says in each.remedy for each in found), '\n'.join(each.text() for each in found)


def test_upper_case_variables_of_the_config(tmp_path):
    path = tmp_path / 'own.py'
    path.write_text("FOLDER = 'data'\nname = 'a.json'\ntrain_dataloader = dict(dataset=dict(ann_file=FOLDER + name))\n")
    wrong = Finding(
        level='error', rule='r', message='m', remedy='Mend it.', key='train_dataloader.dataset.ann_file', value='data'
    )
    told = Origins(load_config(path)).told(wrong)
    assert told.remedy == f'Mend it. The value is that of FOLDER in {path}.'
    other = Finding(level='error', rule='r', message='m', remedy='Mend it.', key='model.type')
    assert Origins(load_config(path)).told(other) == other
