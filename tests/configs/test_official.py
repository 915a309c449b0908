"""Every recipe against the table in official.yaml, whose values were written from their sources."""

import re
from pathlib import Path

import pytest

from tests.configs.recipes import OFFICIAL, augmentation, bases, find_leaves, read, recipe
from tests.configs.recipes import OFFICIAL_LEAVES as ROWS

VARIANTS = {
    'ms_flip': [leaf for leaf in ROWS if '_ade20k_' in leaf],
    'slide': [
        'swin/upernet_swin_tiny_ade20k_160k',
        'swin/upernet_swin_base_22k_ade20k_640_160k',
        'vit/upernet_vit_base_ade20k_160k',
    ],
}


def test_every_recipe_is_in_the_table():
    varied = {f'{leaf}_{ending}' for ending, leaves in VARIANTS.items() for leaf in leaves}
    # those of classifiers are in test_classifier_recipes.py
    others = {
        leaf for leaf in find_leaves() if leaf.startswith('demo/') or '/ablations/' in leaf or '/classifier_' in leaf
    }
    assert set(find_leaves()) == ROWS.keys() | varied | others
    assert (len(ROWS), len(varied), len(others)) == (80, 18, 90)


@pytest.mark.parametrize('leaf', ROWS)
def test_recipe(leaf):
    row, cfg = ROWS[leaf], read(leaf)
    assert recipe(cfg) == OFFICIAL['recipes'][row['recipe']]
    assert cfg.model.backbone.get('drop_path_rate') == row.get('drop_path')
    per_step = cfg.train_dataloader.batch_size * cfg.optim_wrapper.get('accumulative_counts', 1)
    assert OFFICIAL['recipes'][row['recipe']]['batch'] in (per_step * 8, per_step * 16)  # 8 or 16 GPUs


@pytest.mark.parametrize('leaf', ROWS)
def test_weights_that_training_starts_from(leaf):
    backbone = Path(bases(leaf)[1]).stem
    assert ROWS[leaf].get('backbone', backbone) == backbone
    init = read(leaf).model.backbone.get('init_cfg')
    assert (init and init.checkpoint.rsplit('/')[-1]) == OFFICIAL['weights'][backbone]
    if backbone.startswith('swin_'):
        arch, window = re.match(r'swin_(\w+)_patch4_window(\d+)_', OFFICIAL['weights'][backbone]).groups()
        assert read(leaf).model.backbone.arch == arch
        assert read(leaf).model.backbone.get('window_size', 7) == int(window)
    if backbone.startswith('video_swin_'):
        assert read(leaf).model.backbone.arch == re.match(r'swin_(\w+?)_', OFFICIAL['weights'][backbone])[1]
        side = int(re.search(r'window(?:87|167)?(7|12)_', OFFICIAL['weights'][backbone])[1])
        assert read(leaf).model.backbone.get('window_size', (8, 7, 7))[1:] == (side, side)
    if backbone.startswith('shift_vit_'):
        assert read(leaf).model.backbone.arch == backbone.removeprefix('shift_vit_')


@pytest.mark.parametrize('leaf', [leaf for leaf in ROWS if '_coco_' in leaf or leaf.startswith('templates/')])
def test_masks_are_read_and_measured_where_there_is_a_head_for_them(leaf):
    cfg = read(leaf)
    if cfg.default_scope == 'mmseg':
        return
    has_masks = 'mask_head' in cfg.model.get('roi_head', {})
    for mode in ('train', 'val', 'test'):
        (step,) = [step for step in cfg[f'{mode}_dataloader'].dataset.pipeline if step['type'] == 'LoadAnnotations']
        assert step.get('with_mask', False) == has_masks
        assert step.get('with_seg', False) == (mode == 'train' and 'semantic_head' in cfg.model.get('roi_head', {}))
    assert cfg.val_evaluator.metric == cfg.test_evaluator.metric == (['bbox', 'segm'] if has_masks else ['bbox'])


@pytest.mark.parametrize('leaf', VARIANTS['ms_flip'])
def test_multi_scale_and_flip(leaf):
    plain, varied = read(leaf), read(f'{leaf}_ms_flip')
    assert varied.model == {'type': 'SegTTAModel', 'module': plain.model}
    size = 640 if '_640_' in leaf else 512
    assert augmentation(varied.test_dataloader.dataset.pipeline) == OFFICIAL['variants'][f'ms_flip_{size}']
    assert varied.test_evaluator == plain.test_evaluator


@pytest.mark.parametrize('leaf', VARIANTS['slide'])
def test_sliding_window(leaf):
    plain, varied = read(leaf), read(f'{leaf}_slide')
    assert plain.model.test_cfg == {'mode': 'whole'}
    size = 640 if '_640_' in leaf else 512
    expected = {key: tuple(v) if isinstance(v, list) else v for key, v in OFFICIAL['variants'][f'slide_{size}'].items()}
    assert varied.model.test_cfg == expected
    assert varied.test_dataloader == plain.test_dataloader
