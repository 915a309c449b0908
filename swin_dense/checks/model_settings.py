"""Settings of a model that do not go with the batch or the crops it is trained on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.config import Config

from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Finding
from swin_dense.checks.training_settings import total_batch
from swin_dense.engine.config_places import look_at

_POOLS_ALL = ('ASPPHead', 'DepthwiseSeparableASPPHead')  # whose image pooling has one value a channel
_BATCH_NORMS = ('BN', 'BN2d', 'SyncBN')


def model_settings(cfg: Config, datasets: Sequence[DatasetConfig]) -> Iterator[Finding]:
    values = cfg.to_dict()
    model = values.get('model') or {}
    yield from _batch_norm_of_one(values, model, cfg.get('default_scope'))
    yield from _padding(model, cfg.get('default_scope'), datasets)
    for dataset in datasets:
        names = (dataset.argument('metainfo') or {}).get('classes') or ()
        twice = [name for name, count in Counter(names).items() if count > 1] if not isinstance(names, str) else []
        if twice:
            yield Finding(
                level='error', rule='class-twice', key=f'{dataset.key}.metainfo.classes', value=tuple(twice),
                message=f'{", ".join(map(repr, twice))} stands in the list of {len(names)} classes more than once.',
                remedy='Keep one of each.',
            )  # fmt: skip


def _batch_norm_of_one(values: dict[str, Any], model: dict[str, Any], scope: str | None) -> Iterator[Finding]:
    """Heads that pool a whole map to one pixel have one value a channel at batch 1: torch refuses to normalise it."""
    loader = values.get('train_dataloader') or {}
    if loader.get('batch_size') != 1 or total_batch({'train_dataloader': loader}) != 1:
        return
    for name in ('decode_head', 'auxiliary_head'):
        heads = model.get(name) if isinstance(model.get(name), (list, tuple)) else [model.get(name)]
        for head in heads or ():
            node = look_at(f'model.{name}', head, scope) if isinstance(head, dict) else None
            if node is None or node.arguments is None or not isinstance(head, dict):
                continue
            scales = head.get('pool_scales', node.arguments.defaults.get('pool_scales', ()))
            norm = (head.get('norm_cfg') or {}).get('type')
            if (1 in scales or getattr(node.target, '__name__', '') in _POOLS_ALL) and norm in _BATCH_NORMS:
                yield Finding(
                    level='error', rule='batch-of-one', key='train_dataloader.batch_size', value=1,
                    message=f'model.{name} pools maps to one pixel, and {norm} of one image has one value a channel '
                    'there: training stops at the first step.', remedy='Set train_dataloader.batch_size=2 or more.',
                )  # fmt: skip


def _padding(model: dict[str, Any], scope: str | None, datasets: Sequence[DatasetConfig]) -> Iterator[Finding]:
    """mmseg pads the images of a batch to one `size`, or to a multiple of `size_divisor`: exactly one of them."""
    cfg = model.get('data_preprocessor')
    target = look_at('model.data_preprocessor', cfg, scope).target if isinstance(cfg, dict) else None
    if getattr(target, '__name__', '') != 'SegDataPreProcessor' or not isinstance(cfg, dict):
        return
    size, divisor = cfg.get('size'), cfg.get('size_divisor')
    crops = [crop for dataset in datasets if dataset.split == 'train' for crop in _crops(dataset)]
    if (size is None) == (divisor is None) and crops:
        yield Finding(
            level='error', rule='padding-size', key='model.data_preprocessor.size', value=size,
            message='images of a batch are padded to size or to a multiple of size_divisor, to one of them; here these '
            f'are {size} and {divisor}.',
            remedy=f'Write model.data_preprocessor.size={crops[0][1]}, the crop_size' + (
                '.' if divisor is None else ', and size_divisor=None.'
            ),
        )  # fmt: skip
    for key, crop in crops:
        if size is not None and tuple(size) != crop:
            larger = any(of_crop > of_batch for of_crop, of_batch in zip(crop, size, strict=True))
            then = (
                'crops of several sizes then make no batch' if larger else 'the rest is padding that is only computed'
            )
            yield Finding(
                level='warning', rule='padding-size', key='model.data_preprocessor.size', value=tuple(size),
                message=f'{key} is {crop}, and images are padded to {tuple(size)}: {then}.',
                remedy=f'Write model.data_preprocessor.size={crop}.',
            )  # fmt: skip


def _crops(dataset: DatasetConfig) -> Iterator[tuple[str, tuple[int, int]]]:
    for number, step in enumerate(dataset.argument('pipeline') or ()):
        if isinstance(step, dict) and str(step.get('type')).split('.')[-1] == 'RandomCrop':
            crop = step.get('crop_size')
            if crop is not None:
                pair = (crop, crop) if isinstance(crop, int) else tuple(crop)
                yield f'{dataset.key}.pipeline.{number}.crop_size', pair
