"""Names of metrics: what an evaluator is asked for, and what it gives."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from swin_dense.checks.findings import Finding
from swin_dense.engine.config_types import find_type, nearest

# argument of the metric, and what it may be
_KINDS = {
    'swin_dense.CocoMetric': ('metric', ('bbox', 'segm')),
    'CocoMetric': ('metric', ('bbox', 'segm', 'proposal', 'proposal_fast')),
    'IoUMetric': ('iou_metrics', ('mIoU', 'mDice', 'mFscore')),
}
_COCO_ITEMS = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
_IOU_KEYS = {
    'mIoU': ('aAcc', 'mIoU', 'mAcc'),
    'mDice': ('aAcc', 'mDice', 'mAcc'),
    'mFscore': ('aAcc', 'mFscore', 'mPrecision', 'mRecall'),
}


def unknown_kinds(key: str, metric: dict[str, Any]) -> Iterator[Finding]:
    """What the metric at `key` is asked for and does not compute."""
    kind = str(metric.get('type'))
    argument, known = _KINDS.get(kind) or _KINDS.get(kind.rsplit('.', 1)[-1]) or ('', ())
    asked = metric.get(argument) or ()
    for name in [asked] if isinstance(asked, str) else asked:
        if name not in known:
            yield Finding(
                level='error', rule='unknown-metric', key=f'{key}.{argument}', value=asked,
                message=f'{kind} computes no {name!r}. It computes {", ".join(known)}.',
                remedy=nearest(str(name), known).strip() or f'Write {key}.{argument}={known[0]!r}.',
            )  # fmt: skip


def metric_keys(metric: dict[str, Any], scope: str | None) -> list[str] | None:
    """Names of the numbers that a metric gives; None where they are not known."""
    kind = str(metric.get('type')).split('.')[-1]
    cls = find_type(metric.get('type'), scope, 'METRICS')
    prefix = metric.get('prefix') or getattr(cls, 'default_prefix', None)
    if kind == 'CocoMetric':
        kinds = metric.get('metric', 'bbox')
        kinds = [kinds] if isinstance(kinds, str) else kinds
        is_mmdet = not str(metric.get('type')).startswith('swin_dense.')  # which tells numbers of classes, too
        if set(kinds) - {'bbox', 'segm'} or (metric.get('classwise') and is_mmdet):
            return None
        keys = [f'{each}_{item}' for each in kinds for item in metric.get('metric_items') or _COCO_ITEMS]
    elif kind == 'IoUMetric':
        kinds = metric.get('iou_metrics', ['mIoU'])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if set(kinds) - _IOU_KEYS.keys():
            return None
        keys = list(dict.fromkeys(key for each in kinds for key in _IOU_KEYS[each]))
    else:
        return None
    return [f'{prefix}/{key}' if prefix else key for key in keys]


def best_is_reported(cfg: Config, metrics: list[dict[str, Any]]) -> Iterator[Finding]:
    """The number that the best checkpoint goes by is one of those that validation gives."""
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    wanted = hook.get('save_best')
    wanted = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if wanted and not metrics:
        yield Finding(
            level='warning', rule='unknown-metric', key='default_hooks.checkpoint.save_best', value=wanted,
            message='there is no val_evaluator: no checkpoint is the best one.',
            remedy='Add it, or take save_best out.',
        )  # fmt: skip
        return
    found = [metric_keys(metric, cfg.get('default_scope')) for metric in metrics]
    keys = [key for each in found for key in each or ()]
    for name in wanted:
        if name != 'auto' and name not in keys and None not in found:
            short = [key for key in keys if key.split('/')[-1] == name.split('/')[-1]]
            meant = f'Write save_best={short[0]!r}.' if short else nearest(name, keys).strip()
            yield Finding(
                level='error', rule='unknown-metric', key='default_hooks.checkpoint.save_best', value=name,
                message=f'the evaluator gives no {name!r}. It gives {", ".join(keys)}.',
                remedy=meant or f'Write one of those, save_best={keys[0]!r}.',
            )  # fmt: skip
