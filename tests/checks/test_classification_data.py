"""What `tools/check.py` says of folders of classes: sound ones, and each of a few mistakes."""

from pathlib import Path

import pytest

from swin_dense.checks import classification
from swin_dense.checks.command import find_faults, try_run
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.settings import load_config, restored_scope
from tests.classification.image_files import write_folders

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
_base_ = ['{root}/configs/demo/arrangements/classifier_shift_vit.py']
metainfo = dict(_delete_=True, classes=('cat', 'dog'))
train_dataloader = dict(batch_size=2, dataset=dict(data_root='{data}', metainfo=metainfo))
val_dataloader = dict(batch_size=2, dataset=dict(data_root='{data}', metainfo=metainfo))
test_dataloader = val_dataloader
train_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.ResizeImage', size=64, keep_ratio=False),
    dict(type='swin_dense.PackImage'),
]
train_dataloader['dataset']['pipeline'] = train_pipeline
val_dataloader['dataset']['pipeline'] = train_pipeline
{more}
"""


def found(folder, *, depth='quick', more=''):
    config = folder / 'config.py'
    config.write_text(CONFIG.format(root=ROOT, data=folder / 'data', more=more))
    cfg = load_config(str(config))
    fill_classes(cfg)
    cfg.work_dir = str(folder / 'run')
    with restored_scope():
        findings = list(find_faults(cfg, depth=depth))
        if depth == 'full':
            findings += try_run(cfg, folder / 'check', overfit_steps=0, work_dir=folder / 'run')
    return [finding for finding in findings if finding.level != 'ok'], findings


@pytest.fixture
def data(tmp_path):
    for split in ('train', 'val'):
        write_folders(tmp_path / 'data' / split, count=4)
    return tmp_path


@pytest.mark.filterwarnings('ignore')
def test_sound_data_is_tried(data):
    faults, findings = found(data, depth='full')
    assert not [fault.text() for fault in faults]
    texts = ' '.join(finding.message for finding in findings)
    assert '8 images of 2 classes' in texts
    assert '2 images' in texts
    assert (data / 'check' / 'train_0.jpg').is_file()


@pytest.mark.filterwarnings('ignore')
def test_mistakes(data):
    (data / 'data' / 'train' / 'fish').mkdir()
    for path in (data / 'data' / 'train' / 'dog').iterdir():
        path.unlink()
    (data / 'data' / 'val' / 'cat' / '0.png').write_bytes(b'text')
    faults, _ = found(data)
    rules = {fault.rule: fault for fault in faults}
    assert rules['unknown-folder'].level == rules['empty-class'].level == 'error'
    assert 'fish' in rules['unknown-folder'].message
    assert 'dog' in rules['empty-class'].message
    assert rules['unreadable-images'].level == 'warning'
    assert rules['unreadable-images'].cases[0].file.endswith('val/cat/0.png')
    assert all(fault.remedy for fault in faults)


@pytest.mark.filterwarnings('ignore')
def test_no_folder(data):
    faults, _ = found(data, more="val_dataloader['dataset']['data_prefix'] = dict(image='validation')")
    (fault,) = [fault for fault in faults if fault.level == 'error']
    assert (fault.rule, fault.key) == ('missing-folder', 'val_dataloader.dataset.data_prefix.image')


@pytest.mark.filterwarnings('ignore')
def test_few_are_looked_at_of_all_classes(data, monkeypatch):
    monkeypatch.setattr(classification, '_MOST_LOOKED_AT', 2)
    for path in (data / 'data' / 'val' / 'dog').iterdir():  # the last class
        path.write_bytes(b'text')
    faults, _ = found(data)
    (fault,) = [fault for fault in faults if fault.rule == 'unreadable-images']
    assert '1 of 2 images that were looked at' in fault.message
