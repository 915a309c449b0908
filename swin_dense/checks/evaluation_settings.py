"""Settings of validation and tests that do not fit the data, the model or each other."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.config import Config

from swin_dense.checks.dataset_configs import DatasetConfig, dataset_configs
from swin_dense.checks.findings import Finding
from swin_dense.checks.metric_names import best_is_reported, unknown_kinds

_PARTS = ('dataloader', 'evaluator', 'cfg')
# classes that predict masks have one of these in their names, or in those of their parts
_OF_MASKS = ('mask', 'solo', 'yolact', 'boxinst', 'condinst', 'queryinst', 'htc', 'ins', 'panoptic', 'pointrend')


def evaluators(cfg: Config, splits: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The metrics of val and test with their keys; those of the test once, where they are those of val."""
    seen: list[Any] = []
    for split in splits:
        top = cfg.to_dict().get(f'{split}_evaluator')
        if split == 'train' or top is None or top in seen:
            continue
        seen.append(top)
        key = f'{split}_evaluator'
        if isinstance(top, dict) and 'metrics' in top:
            key, top = f'{key}.metrics', top['metrics']
        for number, metric in enumerate(top) if isinstance(top, (list, tuple)) else [(None, top)]:
            if isinstance(metric, dict):
                yield key if number is None else f'{key}.{number}', metric


def evaluation_settings(cfg: Config, splits: Sequence[str]) -> Iterator[Finding]:
    found = list(evaluators(cfg, splits))
    for key, metric in found:
        yield from _ground_truth(cfg, key, metric)
        yield from _masks(cfg, key, metric)
        yield from unknown_kinds(key, metric)
    if 'val' in splits:
        yield from best_is_reported(cfg, [metric for key, metric in found if key.startswith('val')])
    if cfg.get('val_dataloader') and 'test' in splits and not any(cfg.get(f'test_{part}') for part in _PARTS):
        yield Finding(
            level='ok', rule='no-test-data', key='test_dataloader',
            message='there is no test set, so that tools/test.py has nothing to test on. That of validation '
            'serves with test_dataloader = val_dataloader, test_evaluator = val_evaluator and test_cfg = dict() (of '
            'a base: _base_.val_dataloader).',
        )  # fmt: skip


def predicts_masks(model: Any) -> bool:
    """Whether something in a model's config is of masks; in doubt it is."""
    if isinstance(model, dict):
        kind = str(model.get('type', '')).lower()
        return any(word in kind for word in _OF_MASKS) or any(
            ('mask' in name and name.endswith('head') and value is not None) or predicts_masks(value)
            for name, value in model.items()
            if name not in ('data_preprocessor', 'train_cfg', 'test_cfg')
        )
    return isinstance(model, (list, tuple)) and any(map(predicts_masks, model))


def _ground_truth(cfg: Config, key: str, metric: dict[str, Any]) -> Iterator[Finding]:
    path = metric.get('ann_file')
    if not isinstance(path, str) or '://' in path:
        return
    split = key.split('_')[0]
    datasets = [each for each in dataset_configs(cfg, [split]) if isinstance(each.argument('ann_file'), str)]
    own = [each.path(each.argument('ann_file')) for each in datasets]
    if any(_same(path, each) for each in own):
        return  # whether it is there is asked of the data set
    remedy = f'Write {key}.ann_file={own[0]!r}' if own else f'Correct {key}.ann_file'
    remedy += "; or take type='swin_dense.CocoMetric', which asks the data set and has no ann_file."
    if not os.path.exists(path):
        yield Finding(
            level='error', rule='missing-file', key=f'{key}.ann_file', value=path,
            message=f'there is no file {path!r} (looked from {os.getcwd()}): the first validation would fail.'
            + (f' The {split} set reads {own[0]!r}.' if own else ''), remedy=remedy,
        )  # fmt: skip
    elif len(own) == 1 and 'Panoptic' not in str(datasets[0].cls):  # which has instances beside
        yield Finding(
            level='error', rule='other-annotations', key=f'{key}.ann_file', value=path,
            message=f'the metric compares with {path!r}, the {split} set reads {own[0]!r}: its predictions would be '
            'counted for other images.', remedy=remedy,
        )  # fmt: skip


def _same(left: str, right: str) -> bool:
    return os.path.realpath(left) == os.path.realpath(right)


def _masks(cfg: Config, key: str, metric: dict[str, Any]) -> Iterator[Finding]:
    kinds = metric.get('metric', ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if 'segm' in kinds and cfg.get('model') and not predicts_masks(cfg.get('model')):
        yield Finding(
            level='error', rule='metric-of-masks', key=f'{key}.metric', value=kinds,
            message=f'{cfg.model.get("type")} predicts no masks, and the metric asks for them.',
            remedy=f"Write {key}.metric='bbox'.",
        )  # fmt: skip


def loaded_annotations(cfg: Config, datasets: Sequence[DatasetConfig]) -> Iterator[Finding]:
    """What a detector learns from is loaded: masks for a mask head, a map for a semantic head."""
    roi_head = (cfg.get('model') or {}).get('roi_head')
    if not isinstance(roi_head, dict):
        return
    wanted = {'with_mask': 'mask_head', 'with_seg': 'semantic_head'}
    for dataset in datasets:
        if dataset.split != 'train':
            continue
        steps = [
            (number, step)
            for number, step in enumerate(dataset.argument('pipeline') or ())
            if isinstance(step, dict) and str(step.get('type')).split('.')[-1] == 'LoadAnnotations'
        ]
        for argument, head in wanted.items():
            is_wanted = roi_head.get(head) is not None
            if steps and is_wanted and not any(step.get(argument, False) for _, step in steps):
                number, step = steps[0]
                yield Finding(
                    level='error', rule='not-loaded', key=f'{dataset.key}.pipeline.{number}.{argument}',
                    value=step.get(argument),
                    message=f'model.roi_head.{head} learns from what {argument}=True loads.',
                    remedy=f'Write {argument}=True there, or model.roi_head.{head}=None.',
                )  # fmt: skip
