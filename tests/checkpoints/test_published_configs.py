"""The file that each config of a backbone names has what that backbone needs: strictly, and in the same sizes."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from swin_dense.checkpoints import load_pretrained
from swin_dense.registry import MODELS
from tests.checkpoints import published_files

CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'backbones'
CONFIGURED = {path.stem: Config.fromfile(path).backbone for path in sorted(CONFIGS.rglob('*.py'))}
OURS = {name: backbone for name, backbone in CONFIGURED.items() if backbone.type.startswith('swin_dense.')}
PRETRAINED = {name: backbone for name, backbone in OURS.items() if 'init_cfg' in backbone}

# as the papers have them
SWIN = {
    'tiny': (96, (2, 2, 6, 2), (3, 6, 12, 24)),
    'small': (96, (2, 2, 18, 2), (3, 6, 12, 24)),
    'base': (128, (2, 2, 18, 2), (4, 8, 16, 32)),
    'large': (192, (2, 2, 18, 2), (6, 12, 24, 48)),
}
SHIFT_VIT = {
    'tiny_r2': (96, (6, 8, 18, 6), 2),
    'small_r2': (96, (10, 18, 36, 10), 2),
    'tiny_light': (96, (2, 2, 6, 2), 4),
    'small_light': (96, (2, 2, 18, 2), 4),
}
VIT = {'tiny': (192, 12, 16, 224), 'small': (384, 12, 16, 224), 'base': (768, 12, 16, 224)}
SMALL = {
    'VideoSwinTransformer': {'embed_dims': 8, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 4, 8)},
    'SwinTransformer': {'embed_dims': 8, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 4, 8)},
    'ShiftViT': {'embed_dims': 12, 'depths': (1, 2, 1, 1), 'mlp_ratio': 2, 'n_div': 12},
    'VisionTransformer': {'embed_dims': 12, 'depth': 12, 'num_heads': 2},
}


def published(backbone, small=None):
    """Names and shapes of the file that a config names, by that file's own name; of a `small` arch in place of it."""
    file = backbone.init_cfg.checkpoint.rpartition('/')[2]
    if found := re.match(r'swin_(\w+?)_patch244_window(\d+)77_kinetics400_22k\.pth$', file):
        arch = tuple(small.values()) if small else SWIN[found[1]]
        return published_files.video_swin_recogniser(*arch, (int(found[2]), 7, 7), 400)
    if found := re.match(r'swin_(\w+?)_patch4_window(\d+)_(\d+)(_22k)?\.pth$', file):
        arch = tuple(small.values()) if small else SWIN[found[1]]
        return published_files.swin_classifier(*arch, int(found[2]), 21841 if found[4] else 1000)
    if found := re.match(r'shiftvit_(\w+)\.pth$', file):
        arch = tuple(small[field] for field in ('embed_dims', 'depths', 'mlp_ratio')) if small else SHIFT_VIT[found[1]]
        return published_files.shift_vit_classifier(*arch, 1000)
    found = re.match(r'(deit|jx_vit|mae_pretrain_vit)_(\w+?)(_p\w*16_224-\w+)?\.pth$', file)
    arch = (small['embed_dims'], small['depth'], 16, 224) if small else VIT[found[2]]
    return published_files.vit(*arch, classes=0 if found[1] == 'mae_pretrain_vit' else 1000)


def assert_fits(report, name):
    assert report.is_complete
    # MAE has rows for a class token, and no relative positions
    windowed = name == 'vit_base_windowed'
    resized = [(what, how) for what, _, _, how in report.resized]
    if name.startswith('video_swin_') and '_k400_' not in name:  # of images
        assert {what.rpartition('.')[2] for what, _ in resized} == {'weight', 'relative_position_bias_table'}
        assert all(re.match('inflated|repeated', how) for _, how in resized)
        resized = []
    assert resized == ([('pos_embed', 'less the row of a token')] if windowed else [])
    assert all(re.match(r'norm\d\.|.*\.rel_pos_[hw]$', missing) for missing in report.missing)
    assert all(re.match(r'.*index$|(head|norm)\.|cls_token$|cls_head\.', other) for other, _ in report.ignored)


def test_which_configs_there_are():
    assert len(PRETRAINED) >= 15
    # what was never published, and what the demo trains from scratch
    assert set(OURS) - set(PRETRAINED) == {
        'shift_vit_base', 'shift_vit_r4_tiny', 'shift_vit_r4_small', 'shift_vit_r4_base', 'shift_vit_light_base',
        'swin_demo', 'swin_demo_small', 'shift_vit_demo', 'video_swin_demo', 'vit_demo', 'swin_mini', 'shift_vit_mini',
        'vit_mini',
    }  # fmt: skip


@pytest.mark.parametrize('name', PRETRAINED)
def test_the_published_file_of_the_real_arch(name):
    """Names and shapes alone, on the meta device."""
    config = PRETRAINED[name]
    with torch.device('meta'):
        backbone = MODELS.build({**config, 'init_cfg': None})
    assert_fits(load_pretrained(backbone, {'model': published_files.tensors(published(config), device='meta')}), name)


@pytest.mark.parametrize('name', PRETRAINED)
def test_a_small_file_by_way_of_init_weights(name, tmp_path):
    config = PRETRAINED[name]
    arch = SMALL[config.type.partition('.')[2]]
    state = published_files.tensors(published(config, small=arch))
    path = tmp_path / 'published.pth'
    torch.save({'model': state, 'epoch': 299}, path)
    backbone = MODELS.build({**config, 'arch': arch, 'init_cfg': {'type': 'Pretrained', 'checkpoint': str(path)}})
    backbone.init_weights()
    assert_fits(backbone.load_report, name)
    for other, value in backbone.state_dict().items():
        theirs = state.get(other, state.get(f'backbone.{other}'))
        if theirs is not None and other != 'pos_embed' and theirs.numel() == value.numel():
            assert torch.equal(value, theirs.view_as(value)), other
