"""Schedules and the length of training are written in two places of a config; where they disagree, it is said."""

from collections.abc import Iterator
from typing import Any

_WARM_UPS = ('LinearLR', 'ConstantLR')


def schedule_notes(schedulers: Any, train_cfg: dict, iterations_per_epoch: int) -> Iterator[str]:
    """Say what of `schedulers` (a config, or a list of them) training never reaches, or outlives.

    Changing `train_cfg.max_epochs` alone, as with `--cfg-options`, gives another learning rate than either recipe.
    """
    by_epoch = 'max_epochs' in train_cfg
    for scheduler in schedulers if isinstance(schedulers, (list, tuple)) else [schedulers]:
        if not isinstance(scheduler, dict) or str(scheduler.get('type')).split('.')[-1] in _WARM_UPS:
            continue
        name = scheduler['type']
        in_epochs = scheduler.get('by_epoch', True)
        unit = 'epoch' if in_epochs else 'iteration'
        length = train_cfg['max_epochs'] if by_epoch else train_cfg['max_iters']
        if by_epoch and not in_epochs:
            length *= iterations_per_epoch
        elif in_epochs and not by_epoch:
            length = -(-length // iterations_per_epoch)
        late = [step for step in scheduler.get('milestones', ()) if step >= length]
        end = scheduler.get('end')
        if late:
            yield f'{name}: training ends at {unit} {length}, before milestones {late}: the rate never falls there'
        elif end is not None and end > length + 1:  # factors count from 0: an end one later is the same schedule
            yield f'{name} ends at {unit} {end}, training at {length}: the rate does not come to its end'
        elif end is not None and end < length and 'milestones' not in scheduler:
            yield f'{name} ends at {unit} {end}, training at {length}: the rest has the last rate'
