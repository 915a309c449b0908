"""Settings of training that do nothing, or not what they look like: schedules, intervals, hooks, batch, workers."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from swin_dense.checks.findings import Finding, Level
from swin_dense.engine.default_hooks import DEFAULT_HOOKS
from swin_dense.engine.lr_scaling import lr_scaling
from swin_dense.engine.schedule_notes import schedule_notes

_TRIOS = {
    'train': ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    'val': ('val_dataloader', 'val_cfg', 'val_evaluator'),
    'test': ('test_dataloader', 'test_cfg', 'test_evaluator'),
}
# rates beyond these are slips: of the decimal point, or of another optimiser
_MOST_RATES = {'Adam': 0.01, 'AdamW': 0.01, 'NAdam': 0.01, 'RAdam': 0.01, 'SGD': 1.0}
_MOST_MOMENTUM = 0.5  # of EMA: the share of the new weights


def training_settings(cfg: Config) -> Iterator[Finding]:
    """What can be said of training without building anything."""
    values = cfg.to_dict()
    train_cfg = values.get('train_cfg') or {}
    length = train_cfg.get('max_epochs', train_cfg.get('max_iters'))
    if not isinstance(length, int):
        return
    yield from _schedules(values, train_cfg)
    yield from _intervals(values, train_cfg, length)
    yield from _learning_rate(values)
    yield from _unusual_rate(values)


def parts_together(cfg: Config, split: str) -> Iterator[Finding]:
    """Loader, loop and evaluator (or optimiser) of a split are there together, or none of them is."""
    names = _TRIOS[split]
    missing = [name for name in names if cfg.get(name) is None]
    if missing and len(missing) < len(names):
        there = [name for name in names if name not in missing]
        example = '=dict()' if missing[0].endswith('_cfg') and split != 'train' else '=dict(...)'
        if split == 'test' and cfg.get(missing[0].replace('test', 'val')) and example == '=dict(...)':
            example = f' = {missing[0].replace("test", "val")} to test on the set of validation'
        yield _finding(
            'error', 'incomplete-parts', missing[0], None,
            f'{" and ".join(there)} {"is" if len(there) == 1 else "are"} set, {" and ".join(missing)} '
            f'{"is" if len(missing) == 1 else "are"} not: the runner takes the three together or none.',
            f'Add {missing[0]}{example}, or set {" and ".join(f"{name}=None" for name in there)}.',
        )  # fmt: skip


def hooks_and_workers(cfg: Config) -> Iterator[Finding]:
    """Hooks that run twice, averages of weights that follow each step, workers' settings without workers."""
    values = cfg.to_dict()
    own = {name: {'type': kind} for name, kind in DEFAULT_HOOKS.items()}
    for name, hook in (values.get('default_hooks') or {}).items():
        own[name] = hook and {**own.get(name, {}), **hook}
    hooks = [(f'default_hooks.{name}', hook) for name, hook in own.items()]
    hooks += [(f'custom_hooks.{number}', hook) for number, hook in enumerate(values.get('custom_hooks') or ())]
    hooks = [(key, hook) for key, hook in hooks if isinstance(hook, dict)]
    counts = Counter(_bare(hook.get('type')) for _, hook in hooks)
    for kind, count in counts.items():
        places = [key for key, hook in hooks if _bare(hook.get('type')) == kind]
        if count > 1:
            yield _finding(
                'warning', 'hook-twice', places[-1], kind,
                f'{kind} runs {count} times: at {" and at ".join(places)}.',
                f'Take {places[-1]} out, or change {places[0]} instead.',
            )  # fmt: skip
    for key, hook in hooks:
        momentum = hook.get('momentum')
        if _bare(hook.get('type')) == 'EMAHook' and isinstance(momentum, float) and momentum > _MOST_MOMENTUM:
            yield _finding(
                'warning', 'ema-momentum', f'{key}.momentum', momentum,
                f'momentum is the share of the new weights in the average: with {momentum:g} it is nearly the last '
                'weights themselves.', f'Write momentum={1 - momentum:.4g}, if the decay was meant.',
            )  # fmt: skip
    for split in _TRIOS:
        loader = values.get(f'{split}_dataloader') or {}
        if loader.get('persistent_workers') and not loader.get('num_workers'):
            yield _finding(
                'warning', 'no-workers', f'{split}_dataloader.persistent_workers', True,
                'without workers (num_workers=0) nothing persists; mmengine alone refuses this.',
                f'Set {split}_dataloader.num_workers=2, or take persistent_workers out.',
            )  # fmt: skip


def total_batch(values: dict[str, Any]) -> int | None:
    """Images of one step of the optimiser: of a process x processes x accumulated; None where that is not known."""
    loader = values.get('train_dataloader') or {}
    batch = loader.get('batch_size')
    accumulated = (values.get('optim_wrapper') or {}).get('accumulative_counts', 1)
    if not isinstance(batch, int) or not isinstance(accumulated, int):
        return None
    return batch * int(os.environ.get('WORLD_SIZE', '1')) * accumulated


def _schedules(values: dict[str, Any], train_cfg: dict[str, Any]) -> Iterator[Finding]:
    schedulers = values.get('param_scheduler') or []
    is_list = isinstance(schedulers, (list, tuple))
    for number, scheduler in enumerate(schedulers if is_list else [schedulers]):
        key = f'param_scheduler.{number}' if is_list else 'param_scheduler'
        if not isinstance(scheduler, dict):
            continue
        if 'max_epochs' not in train_cfg and _counts_epochs(scheduler):
            yield _finding(
                'error', 'schedule-in-epochs', f'{key}.by_epoch', scheduler.get('by_epoch'),
                f'{scheduler.get("type")} counts epochs (by_epoch=True is the default), and training by iterations is '
                'one epoch: its factor never moves.', f'Write {key}.by_epoch=False, and begin and end in iterations.',
            )  # fmt: skip
        for note in schedule_notes(scheduler, train_cfg, None):
            late = 'milestones' if 'milestones' in note else 'end'
            yield _finding(
                'warning', 'schedule-length', f'{key}.{late}', scheduler.get(late), f'{note}.',
                f'Change {key}.{late} and train_cfg.{_unit(train_cfg)} together.',
            )  # fmt: skip


def _counts_epochs(scheduler: dict[str, Any]) -> bool:
    """Whether it moves at the end of an epoch: not one that is converted, nor one that follows validations."""
    is_converted = scheduler.get('convert_to_iter_based', False)
    follows_validation = _bare(scheduler.get('type')).startswith('ReduceOnPlateau')
    return scheduler.get('by_epoch', True) and not is_converted and not follows_validation


def _intervals(values: dict[str, Any], train_cfg: dict[str, Any], length: int) -> Iterator[Finding]:
    unit = _unit(train_cfg)
    interval = train_cfg.get('val_interval', 1 if unit == 'max_epochs' else 1000)
    for name, value in (('val_interval', interval), ('val_begin', train_cfg.get('val_begin', 1))):
        if values.get('val_dataloader') and isinstance(value, int) and value > length:
            yield _finding(
                'warning', 'never-validated', f'train_cfg.{name}', value,
                f'{name} is {value:,}, and training ends at {length:,} ({unit}): it is validated at its end at most.',
                f'Set train_cfg.{name} to {max(length // 10, 1)}, say.',
            )  # fmt: skip
    hook = (values.get('default_hooks') or {}).get('checkpoint') or {}
    same = hook.get('type') in (None, DEFAULT_HOOKS['checkpoint'])
    by_epoch = hook.get('by_epoch', unit == 'max_epochs' if same else True)
    interval = hook.get('interval', 1 if same else -1)
    if by_epoch and unit == 'max_iters':
        yield _finding(
            'warning', 'checkpoint-interval', 'default_hooks.checkpoint.by_epoch', hook.get('by_epoch'),
            'checkpoints count epochs, and training by iterations is one epoch: nothing is saved before its end.',
            f'Write default_hooks.checkpoint.by_epoch=False, and interval={max(length // 10, 1)} (iterations), say.',
        )  # fmt: skip
    elif by_epoch == (unit == 'max_epochs') and isinstance(interval, int) and interval > length:
        yield _finding(
            'warning', 'checkpoint-interval', 'default_hooks.checkpoint.interval', interval,
            f'the interval is {interval:,}, and training ends at {length:,} ({unit}): nothing is saved before its end.',
            f'Set default_hooks.checkpoint.interval to {max(length // 10, 1)}, say.',
        )  # fmt: skip


def _learning_rate(values: dict[str, Any]) -> Iterator[Finding]:
    rate = ((values.get('optim_wrapper') or {}).get('optimizer') or {}).get('lr')
    batch = total_batch(values)
    if not isinstance(rate, (int, float)) or batch is None:
        return
    rule = values.get('auto_scale_lr') or {}
    factor, statement = lr_scaling(rate, batch, rule)
    processes = int(os.environ.get('WORLD_SIZE', '1'))
    unscaled = factor == 1 and rule.get('base_batch_size') not in (None, batch)
    yield _finding(
        'warning' if unscaled else 'ok', 'learning-rate', 'optim_wrapper.optimizer.lr', rate,
        f'batch {batch} = {values["train_dataloader"]["batch_size"]} x {processes} processes x '
        f'{(values["optim_wrapper"]).get("accumulative_counts", 1)} accumulated; lr {statement}.',
        f'Set auto_scale_lr.enable=True, or optim_wrapper.optimizer.lr={rate * batch / rule["base_batch_size"]:g}.'
        if unscaled else '',
    )  # fmt: skip


def _unusual_rate(values: dict[str, Any]) -> Iterator[Finding]:
    optimizer = (values.get('optim_wrapper') or {}).get('optimizer') or {}
    kind, rate = _bare(optimizer.get('type')), optimizer.get('lr')
    most = _MOST_RATES.get(kind)
    if most is not None and isinstance(rate, (int, float)) and rate > most:
        usual = 1e-4 if kind != 'SGD' else 0.01
        yield _finding(
            'warning', 'lr-unusual', 'optim_wrapper.optimizer.lr', rate,
            f'recipes with {kind} have rates up to {most:g}; with {rate:g} weights become NaN, or learn nothing.',
            f'Write optim_wrapper.optimizer.lr={usual:g}, say.',
        )  # fmt: skip


def _unit(train_cfg: dict[str, Any]) -> str:
    return 'max_epochs' if 'max_epochs' in train_cfg else 'max_iters'


def _bare(kind: Any) -> str:
    return (kind if isinstance(kind, str) else getattr(kind, '__name__', str(kind))).rsplit('.', 1)[-1]


def _finding(level: Level, rule: str, key: str, value: Any, message: str, remedy: str) -> Finding:
    return Finding(level=level, rule=rule, key=key, value=value, message=message, remedy=remedy)
