"""Classifiers: sizes, and recipes in words, beside what the official repositories say.

Sources: config.py and configs/ of microsoft/Swin-Transformer@f82860b; main.py and models of microsoft/SPACH@dcede1e;
main.py and README of facebookresearch/deit@7e160fe; references/classification of torchvision for ResNet-50.
"""

import pytest

from swin_dense.costs.counting import count_costs
from swin_dense.costs.models import build_model
from tests.configs.recipes import find_leaves, read

# leaf -> (parameters in millions, multiply-adds in G at the size of the tests, drop path)
SIZES = {
    'swin/classifier_swin_tiny_imagenet1k_300_epochs': (28.288, 4.5, 0.2),
    'swin/classifier_swin_small_imagenet1k_300_epochs': (49.606, 8.7, 0.3),
    'swin/classifier_swin_base_imagenet1k_300_epochs': (87.768, 15.4, 0.5),
    'swin/classifier_swin_tiny_22k_imagenet1k_30_epochs': (28.288, 4.5, 0.1),
    'swin/classifier_swin_small_22k_imagenet1k_30_epochs': (49.606, 8.7, 0.2),
    'swin/classifier_swin_base_22k_imagenet1k_30_epochs': (87.768, 15.4, 0.2),
    'swin/classifier_swin_large_22k_imagenet1k_30_epochs': (196.532, 34.5, 0.2),
    'swin/classifier_swin_base_imagenet1k_384_30_epochs': (87.9, 47.1, 0.5),
    'swin/classifier_swin_base_22k_window12_imagenet1k_384_30_epochs': (87.9, 47.1, 0.2),
    'swin/classifier_swin_large_22k_window12_imagenet1k_384_30_epochs': (196.7, 103.9, 0.2),
    'shift_vit/classifier_shift_vit_tiny_imagenet1k_300_epochs': (28.57, 4.58, 0.2),
    'shift_vit/classifier_shift_vit_small_imagenet1k_300_epochs': (50.30, 8.74, 0.4),
    'shift_vit/classifier_shift_vit_base_imagenet1k_300_epochs': (89.03, 15.54, 0.6),
    'shift_vit/classifier_shift_vit_r4_tiny_imagenet1k_300_epochs': (31.43, 4.58, 0.2),
    'shift_vit/classifier_shift_vit_r4_small_imagenet1k_300_epochs': (51.52, 8.51, 0.4),
    'shift_vit/classifier_shift_vit_r4_base_imagenet1k_300_epochs': (87.27, 15.13, 0.5),
    'shift_vit/classifier_shift_vit_light_tiny_imagenet1k_300_epochs': (19.61, 2.96, 0.2),
    'shift_vit/classifier_shift_vit_light_small_imagenet1k_300_epochs': (33.80, 5.74, 0.4),
    'shift_vit/classifier_shift_vit_light_base_imagenet1k_300_epochs': (59.71, 10.19, 0.5),
    'vit/classifier_deit_tiny_imagenet1k_300_epochs': (5.717, 1.26, 0.1),
    'vit/classifier_deit_small_imagenet1k_300_epochs': (22.05, 4.6, 0.1),
    'vit/classifier_deit_base_imagenet1k_300_epochs': (86.57, 17.5, 0.1),
    'vit/classifier_deit_base_imagenet1k_384_30_epochs': (86.86, 55.4, 0.1),
    'resnet/classifier_resnet_50_imagenet1k_90_epochs': (25.557, 4.09, None),
    'resnet/classifier_resnet_50_imagenet1k_300_epochs': (25.557, 4.09, None),
}
SWIN = {
    'optimizer': ('AdamW', 1e-3, 0.05), 'epochs': 300, 'batch': 1024, 'warmup': 20, 'clip': 5.0,
    'rates': {'warmup_ratio': 1e-3, 'min_ratio': 1e-2}, 'repeats': 1, 'mixed': True,
}  # fmt: skip
FINE_TUNED = {**SWIN, 'optimizer': ('AdamW', 4e-5, 1e-8), 'epochs': 30, 'warmup': 5}
SHIFT_VIT = {**SWIN, 'clip': None, 'rates': {'warmup_lr': 1e-6, 'min_lr': 1e-5}, 'repeats': 3}
DEIT = {**SHIFT_VIT, 'warmup': 5}
RESNET = {'optimizer': ('SGD', 0.1, 1e-4), 'epochs': 90, 'batch': 256, 'warmup': 0, 'clip': None, 'rates': {},
          'repeats': 1, 'mixed': False}  # fmt: skip


def expected(leaf):
    if leaf.endswith('30_epochs') and '_300_' not in leaf:
        return FINE_TUNED
    if leaf.startswith('resnet/'):
        return RESNET if '_90_' in leaf else DEIT
    return {'swin': SWIN, 'shift_vit': SHIFT_VIT, 'vit': DEIT}[leaf.split('/')[0]]


def recipe(cfg):
    (scheduler,) = cfg.param_scheduler
    sampler, optimizer = cfg.train_dataloader.sampler, cfg.optim_wrapper.optimizer
    clip = cfg.optim_wrapper.get('clip_grad')
    names = ('warmup_ratio', 'warmup_lr', 'min_ratio', 'min_lr')
    return {
        'optimizer': (optimizer.type, optimizer.lr, optimizer.weight_decay),
        'epochs': cfg.train_cfg.max_epochs,
        'batch': cfg.auto_scale_lr.base_batch_size,
        'warmup': scheduler.get('warmup', 0),
        'clip': clip and clip.max_norm,
        'rates': {name: scheduler[name] for name in names if name in scheduler},
        'repeats': sampler.get('num_repeats', 1),
        'mixed': 'mixing' in cfg.model.data_preprocessor,
    }


def test_all_are_in_the_table():
    found = {leaf for leaf in find_leaves() if '/classifier_' in leaf and not leaf.startswith('demo/')}
    varied = {'vit/classifier_deit_small_imagenet1k_300_epochs_ema'}
    assert {leaf for leaf in found if '/ablations/' not in leaf} == SIZES.keys() | varied


@pytest.mark.parametrize('leaf', SIZES)
def test_recipe(leaf):
    cfg = read(leaf)
    assert recipe(cfg) == expected(leaf)
    per_step = cfg.train_dataloader.batch_size * cfg.optim_wrapper.get('accumulative_counts', 1)
    assert per_step * 8 == cfg.auto_scale_lr.base_batch_size  # 8 GPUs
    kinds = [step.type.removeprefix('swin_dense.') for step in cfg.train_dataloader.dataset.pipeline]
    assert ('RandAugment' in kinds) == expected(leaf)['mixed']


@pytest.mark.parametrize('leaf', SIZES)
def test_size(leaf):
    cfg = read(leaf)
    parameters, macs, drop_path = SIZES[leaf]
    side = 384 if '_384_' in leaf else 224
    model = build_model(cfg, 'meta')
    parts = count_costs(model, (side, side))
    assert sum(part.parameters for part in parts) / 1e6 == pytest.approx(parameters, rel=2e-3)
    # papers leave out, or round, a little
    assert sum(part.macs or 0 for part in parts) / 1e9 == pytest.approx(macs, rel=0.035)
    assert cfg.model.backbone.get('drop_path_rate') == drop_path


@pytest.mark.parametrize(('name', 'changed'), [
    ('tiny_pixels0', {'shift_pixels': 0}), ('tiny_pixels2', {'shift_pixels': 2}), ('tiny_div20', {'n_div': 20}),
    ('tiny_div16', {'n_div': 16}), ('tiny_div10', {'n_div': 10}), ('tiny_div8', {'n_div': 8}),
    ('tiny_tau4', {'arch': 'r4_tiny'}),
])  # fmt: skip
def test_ablations_change_one_thing(name, changed):
    plain = read('shift_vit/classifier_shift_vit_tiny_imagenet1k_300_epochs')
    cfg = read(f'shift_vit/ablations/classifier_shift_vit_{name}_imagenet1k_300_epochs')
    assert cfg.model.backbone == {**plain.model.backbone, **changed}
    for key in plain.keys() - {'model'}:
        assert cfg[key] == plain[key], key


def test_depths_of_the_ablation_are_of_one_size():
    def cost(leaf):
        parts = count_costs(build_model(read(leaf), 'meta'), (224, 224))
        return sum(part.macs or 0 for part in parts)

    usual = cost('shift_vit/classifier_shift_vit_tiny_imagenet1k_300_epochs')
    for ratio, depths in ((1, (12, 15, 36, 12)), (3, (4, 5, 12, 4))):
        leaf = f'shift_vit/ablations/classifier_shift_vit_tiny_tau{ratio}_imagenet1k_300_epochs'
        assert read(leaf).model.backbone.arch.depths == depths
        assert cost(leaf) == pytest.approx(usual, rel=0.015)  # 225 and 75 layers are no exact multiples


def test_the_road_changes_one_thing_at_a_time():
    """SGD -> AdamW, ReLU -> GELU, batch norm -> one group, 90 -> 300 epochs."""
    folder = 'shift_vit/ablations/classifier_shift_vit_tiny'
    stops = [
        read(f'{folder}_{name}_imagenet1k_90_epochs')
        for name in ('cnn_scheme', 'adamw', 'adamw_gelu', 'adamw_gelu_gn1')
    ]
    stops.append(read('shift_vit/classifier_shift_vit_tiny_imagenet1k_300_epochs'))
    defaults = {'norm': 'group', 'activation': 'gelu'}
    seen = [
        (
            cfg.optim_wrapper.optimizer.type,
            {**defaults, **cfg.model.backbone}['activation'],
            {**defaults, **cfg.model.backbone}['norm'],
            cfg.train_cfg.max_epochs,
        )
        for cfg in stops
    ]
    assert seen == [
        ('SGD', 'relu', 'batch', 90),
        ('AdamW', 'relu', 'batch', 90),
        ('AdamW', 'gelu', 'batch', 90),
        ('AdamW', 'gelu', 'group', 90),
        ('AdamW', 'gelu', 'group', 300),
    ]
