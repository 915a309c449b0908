"""Leaf configs, and what a recipe says in words: for comparison with tables that were written from the sources."""

import functools
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
OFFICIAL = yaml.safe_load((Path(__file__).parent / 'official.yaml').read_text())
OFFICIAL_LEAVES = {f'{family}/{name}': row for family, rows in OFFICIAL['leaves'].items() for name, row in rows.items()}


def find_leaves() -> list[str]:
    """Every leaf, as FAMILY/NAME or FAMILY/FOLDER/NAME."""
    files = [path.relative_to(CONFIGS).with_suffix('') for path in CONFIGS.rglob('*.py')]
    return sorted(str(path) for path in files if path.parts[0] != '_base_')


@functools.cache
def read(leaf: str) -> Config:
    return Config.fromfile(CONFIGS / f'{leaf}.py')


def bases(leaf: str) -> list[str]:
    """Paths of the `_base_` of a leaf, from the folder configs."""
    folder = (CONFIGS / leaf).parent
    found = Config._get_base_files(str(CONFIGS / f'{leaf}.py'))
    return [str((folder / name).resolve().relative_to(CONFIGS)) for name in found]


def recipe(cfg: Config) -> dict[str, Any]:
    """What a paper says of training: the optimiser, its rates over time, batch, augmentation, test size."""
    wrapper, (warmup, decay) = cfg.optim_wrapper, cfg.param_scheduler
    optimizer = dict(wrapper.optimizer)
    clip = wrapper.get('clip_grad')
    assert wrapper.constructor == 'swin_dense.ParameterGroups'  # norms and position tables do not decay
    rules = dict(wrapper.get('paramwise_cfg', {}))
    # both schedulers count from 0: the factor is 1 one step before `end`
    words = {
        'optimizer': optimizer.pop('type'),
        'lr': optimizer.pop('lr'),
        'betas': list(optimizer.pop('betas')),
        'weight_decay': optimizer.pop('weight_decay'),
        'layer_decay': rules.pop('layer_decay', None),
        'clip_grad': clip and clip['max_norm'],
        'batch': cfg.auto_scale_lr.base_batch_size,
        'warmup': warmup_words(warmup),
        'length': length(cfg.train_cfg),
        'decay': decay_words(decay),
        'augmentation': augmentation(cfg.train_dataloader.dataset.pipeline),
        'test': augmentation(cfg.test_dataloader.dataset.pipeline),
    }
    if 'lr_mult' in rules:
        words['lr_mult'] = dict(rules.pop('lr_mult'))
    assert not optimizer
    assert not rules
    assert cfg.auto_scale_lr.enable
    return words


def warmup_words(scheduler: dict) -> str:
    end = f'{scheduler.end:g} epochs' if scheduler.by_epoch else f'{scheduler.end - 1} iterations'
    return f'{end} from {scheduler.start_factor:g}'


def length(train_cfg: dict) -> str:
    return f'{train_cfg.max_epochs} epochs' if 'max_epochs' in train_cfg else f'{train_cfg.max_iters} iterations'


def decay_words(scheduler: dict) -> str:
    if scheduler.type == 'PolyLR':
        return f'poly {scheduler.power:g} to {scheduler.eta_min:g} at {scheduler.end - 1}'
    if scheduler.type == 'CosineAnnealingLR':
        assert scheduler.by_epoch
        assert scheduler.T_max == scheduler.end
        return f'cosine to {scheduler.eta_min:g} at {scheduler.end} epochs'
    assert scheduler.type == 'MultiStepLR'
    unit = 'epochs' if scheduler.by_epoch else 'iterations'
    return f'x {scheduler.gamma:g} after {" and ".join(map(str, scheduler.milestones))} {unit}'


def augmentation(pipeline: list[dict]) -> str:
    return ', '.join(filter(None, map(step_words, pipeline)))


def step_words(step: dict) -> str:
    kind = step['type']
    if kind == 'RandomChoice':
        return f'({" or ".join(augmentation(branch) for branch in step["transforms"])})'
    if kind == 'TestTimeAug':
        return ' x '.join(f'({" or ".join(filter(None, map(step_words, views)))})' for views in step['transforms'][:2])
    if kind == 'RandomFlip':
        return f'flip {step["prob"]:g}'
    if kind == 'Resize':
        return f'size {box(step["scale"])}'
    if kind == 'RandomChoiceResize':
        return f'one size of {" ".join(box(scale) for scale in step["scales"])}'
    if kind == 'RandomResize' and 'ratio_range' in step:
        low, high = step['ratio_range']
        return f'{low:g} to {high:g} times {box(step["scale"])}'
    if kind == 'RandomResize':
        return f'sizes from {box(step["scale"][0])} to {box(step["scale"][1])}'
    if kind == 'RandomCrop':
        most = f' with at most {step["cat_max_ratio"]:g} of a class' if 'cat_max_ratio' in step else ''
        return f'crop {step["crop_size"][0]}x{step["crop_size"][1]}{most}'
    if kind == 'PhotoMetricDistortion':
        return 'photometric'
    if kind == 'swin_dense.ForEachFrame':
        return f'frames: {augmentation(step["transforms"])}'
    if kind.startswith('swin_dense.'):
        return clip_step_words(step)
    assert kind in ('LoadImageFromFile', 'LoadAnnotations', 'FilterAnnotations', 'PackDetInputs', 'PackSegInputs'), kind
    return ''


def clip_step_words(step: dict) -> str:
    kind = step['type'].removeprefix('swin_dense.')
    if kind == 'DecodeClips':
        frames = f'{step["clip_length"]} frames'
        if step.get('sampling') == 'segments':
            return f'{frames} of equal parts'
        return f'{step.get("num_clips", 1)} x {frames}, each {step["interval"]}nd'
    words = {
        'ResizeShortSide': 'short side {size}',
        'RandomResizedCropClips': 'crop of any size to {size}',
        'CenterCropClips': 'centre {size}',
        'ThreeCrops': '3 crops {size}',
        'FlipClips': 'flip {prob:g}',
        'RandAugmentClips': 'RandAugment {num_ops} x {magnitude}',
        'RandomErasingClips': 'erase {prob:g}',
        'PackClips': '',
    }
    return words[kind].format(**step)


def box(scale: tuple[int, int]) -> str:
    """Short and long side that an image is fitted into."""
    return f'{min(scale)}/{max(scale)}'
