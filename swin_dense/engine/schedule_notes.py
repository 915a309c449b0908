"""Schedules and the length of training are written in two places of a config; where they disagree, it is said."""

from collections.abc import Iterator
from typing import Any

_WARM_UPS = ('LinearLR', 'ConstantLR')


def schedule_notes(schedulers: Any, train_cfg: dict, iterations_per_epoch: int | None) -> Iterator[str]:
    """Say what of `schedulers` (a config, or a list of them) training never reaches, or outlives.

    Without `iterations_per_epoch`, of those alone that count what training counts.

    Changing `train_cfg.max_epochs` alone, as with `--cfg-options`, gives another learning rate than either recipe.
    """
    by_epoch = 'max_epochs' in train_cfg
    for scheduler in schedulers if isinstance(schedulers, (list, tuple)) else [schedulers]:
        name = str(scheduler.get('type')) if isinstance(scheduler, dict) else ''
        if not isinstance(scheduler, dict) or name.split('.')[-1] in _WARM_UPS or name.endswith('WarmupLR'):
            continue
        in_epochs = scheduler.get('by_epoch', True)
        unit = 'epoch' if in_epochs else 'iteration'
        if in_epochs != by_epoch and iterations_per_epoch is None:
            continue
        length = train_cfg['max_epochs'] if by_epoch else train_cfg['max_iters']
        if by_epoch and not in_epochs:
            length *= iterations_per_epoch or 1
        elif in_epochs and not by_epoch:
            length = -(-length // (iterations_per_epoch or 1))
        late = [step for step in scheduler.get('milestones', ()) if step >= length]
        end = scheduler.get('end')
        if late:
            yield f'{name}: training ends at {unit} {length}, before milestones {late}: the rate never falls there'
        elif end is not None and end > length + 1:  # factors count from 0: an end one later is the same schedule
            yield f'{name} ends at {unit} {end}, training at {length}: the rate does not come to its end'
        elif end is not None and end < length and 'milestones' not in scheduler:
            yield f'{name} ends at {unit} {end}, training at {length}: the rest has the last rate'
