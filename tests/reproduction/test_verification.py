"""Published weights against published numbers: on a small set, with a file in the official layout."""

import json
from pathlib import Path

import pytest
import torch

from swin_dense.comparison.results import PublishedRow
from swin_dense.engine.settings import load_config
from swin_dense.quiet import quiet_imports
from swin_dense.registry import MODELS
from swin_dense.reproduction.rows import LedgerRow
from swin_dense.reproduction.verification import TOLERANCES, compared, find_row, verify
from tests.classification.image_files import write_folders
from tests.configs.recipes import CONFIGS

with quiet_imports():
    import mmdet  # noqa: F401
    import mmseg  # noqa: F401

CONFIG = """
_base_ = ['{root}/swin/classifier_swin_tiny_imagenet1k_300_epochs.py']
arch = dict(embed_dims=8, depths=(1, 1), num_heads=(1, 2))
model = dict(
    backbone=dict(_delete_=True, type='swin_dense.SwinTransformer', arch=arch, clamp_shift=True, out_indices=(1,)),
    cls_head=dict(in_channels=16, num_classes=3),
)
val_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
test_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
train_dataloader = dict(dataset=dict(data_root='{data}/'))
test_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.ResizeImage', size=32, keep_ratio=False),
    dict(type='swin_dense.PackImage'),
]
test_dataloader['dataset'] = dict(pipeline=test_pipeline)
"""


def row(top1, **metrics):
    published = PublishedRow(
        model='Swin', recipe='tiny', metrics={}, parameters=None, macs=None, source='a test', weights=''
    )
    return LedgerRow('tiny@test', 'tiny.py', {'top1': top1, **metrics}, published)


@pytest.fixture
def folder(tmp_path):
    for split in ('train', 'val'):
        write_folders(tmp_path / 'data' / split, classes=('a', 'b', 'c'), count=7)
    (tmp_path / 'tiny.py').write_text(CONFIG.format(root=CONFIGS, data=tmp_path / 'data'))
    cfg = load_config(str(tmp_path / 'tiny.py'))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        model.cls_head.fc_cls.weight.mul_(50)
    official = {}
    for name, value in model.state_dict().items():
        name = name.removeprefix('backbone.').replace('norm1.', 'norm.', 1) if '.blocks.' not in name else (
            name.removeprefix('backbone.')
        )  # fmt: skip
        official[name.replace('cls_head.fc_cls.', 'head.')] = value
    torch.save({'model': official}, tmp_path / 'official.pth')
    return tmp_path


@pytest.mark.filterwarnings('ignore')
def test_says_within_and_outside(folder, capsys):
    def run(claimed):
        return verify(
            row(claimed), folder, checkpoint=str(folder / 'official.pth'), data_root=str(folder / 'data'),
            out=str(folder / 'results.json'),
        )  # fmt: skip

    assert run(0) in (0, 1)
    found = json.loads((folder / 'results.json').read_text())
    assert found['protocol']['samples'] == 21
    top1 = found['metrics']['acc/top1']
    capsys.readouterr()
    assert run(round(top1, 1)) == 0
    assert f'found {top1:.2f}, within 0.1' in capsys.readouterr().out
    assert run(top1 + 0.3) == 1
    assert 'OUTSIDE 0.1 (difference -0.30)' in capsys.readouterr().out


def test_compares_each_metric_in_percent():
    metrics = {'coco/bbox_mAP': 0.4371, 'coco/segm_mAP': 0.3961}
    wanted = LedgerRow('x@y', 'x.py', {'bbox_mAP': 43.7, 'segm_mAP': 39.8}, row(0).published)
    box, mask = compared(wanted, metrics, TOLERANCES)
    assert (box.is_within, mask.is_within) == (True, False)
    (missing,) = compared(row(80), {'acc/top5': 90.0}, TOLERANCES)
    assert not missing.is_within
    assert 'gave none' in str(missing)


def test_finds_rows_by_name_config_and_weights():
    name = 'classifier_swin_tiny_imagenet1k_300_epochs'
    wanted = f'{name}@swin_readme_classes'  # of two, the one with weights
    for each in (name, f'configs/swin/{name}.py', 'swin_tiny_patch4_window7_224', wanted):
        assert find_row(each, CONFIGS).name == wanted
    with pytest.raises(ValueError, match=r"called 'classifier_swin_tiny'.*--list"):
        find_row('classifier_swin_tiny', CONFIGS)
    for each in ('clasifier_swin_tiny', f'configs/swin/{name.replace("ss", "s")}.py'):
        with pytest.raises(ValueError, match=f'Did you mean {name}'):
            find_row(each, CONFIGS)


def test_without_weights():
    wanted = row(80)
    with pytest.raises(ValueError, match=r'tiny@test has no published weights\. Give --checkpoint'):
        verify(wanted, Path('nowhere'))
