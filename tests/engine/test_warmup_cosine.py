"""The rates of the classification recipes, step by step, against the formulas of the official code."""

import math

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper

from swin_dense.engine.warmup_cosine import WarmupCosineLR
from swin_dense.registry import PARAM_SCHEDULERS

EPOCHS, LENGTH = 300, 7


class TimmCosine:
    """CosineLRScheduler of timm: what it sets the rate to when it is told a step, and before that."""

    def __init__(self, base, total, warmup, warmup_lr, min_lr):
        self.base, self.total, self.warmup, self.warmup_lr, self.min_lr = base, total, warmup, warmup_lr, min_lr
        self.rate = warmup_lr  # set when it is made

    def step(self, t):
        if t < self.warmup:
            self.rate = self.warmup_lr + t * ((self.base - self.warmup_lr) / self.warmup)
        else:
            self.rate = self.min_lr + 0.5 * (self.base - self.min_lr) * (1 + math.cos(math.pi * t / self.total))


def configured(name):
    """The scheduler of a schedule as the runner builds it, and the optimiser, with a group at half the rate."""
    cfg = Config.fromfile(f'configs/_base_/schedules/{name}.py')
    base, (scheduler,) = cfg.optim_wrapper.optimizer.lr, cfg.param_scheduler
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{'params': [parameters[0]]}, {'params': [parameters[1]], 'lr': base / 2}]
    wrapper = OptimWrapper(torch.optim.AdamW(groups, lr=base))
    options = scheduler.to_dict()
    kind = PARAM_SCHEDULERS.get(options.pop('type'))
    if options.pop('convert_to_iter_based', False):
        return base, wrapper, kind.build_iter_from_epoch(wrapper, epoch_length=LENGTH, **options)
    return base, wrapper, kind(wrapper, **options)


def run(wrapper, scheduler, first, last):
    """The rates of both groups in iterations `first` to `last`, as mmengine's hook steps."""
    rates = []
    for iteration in range(first, last):
        rates.append(tuple(group['lr'] for group in wrapper.optimizer.param_groups))
        wrapper.step()
        if not scheduler.by_epoch or (iteration + 1) % LENGTH == 0:
            scheduler.step()
    return rates


def official_swin(base):
    """main.py of Swin: `step_update(iteration)` after each iteration; all rates are scaled with the batch."""
    schedule = TimmCosine(base, EPOCHS * LENGTH, 20 * LENGTH, 1e-3 * base, 1e-2 * base)
    for iteration in range(EPOCHS * LENGTH):
        yield schedule.rate
        schedule.step(iteration)


def official_epochs(base, warmup, epochs=EPOCHS):
    """main.py of SPACH and DeiT: `step(epoch)` after each epoch."""
    schedule = TimmCosine(base, epochs, warmup, 1e-6, 1e-5)
    for epoch in range(epochs):
        yield from [schedule.rate] * LENGTH
        schedule.step(epoch)


@pytest.mark.parametrize(('name', 'official'), [
    ('adamw_300_epochs_classes', official_swin),
    ('adamw_300_epochs_classes_repeated', lambda base: official_epochs(base, 20)),
    ('adamw_300_epochs_classes_deit', lambda base: official_epochs(base, 5)),
    ('adamw_90_epochs_classes', lambda base: official_epochs(base, 20, 90)),
])  # fmt: skip
def test_every_step_is_the_official_one(name, official):
    base, wrapper, scheduler = configured(name)
    expected = [list(official(base)), list(official(base / 2))]
    found = run(wrapper, scheduler, 0, len(expected[0]))
    for iteration, (rates, *official_rates) in enumerate(zip(found, *expected, strict=True)):
        assert rates == pytest.approx(official_rates, rel=1e-12), iteration


@pytest.mark.parametrize('stop', [1, 33, 20 * LENGTH, 1000])
def test_goes_on_after_a_stop(stop):
    _, wrapper, scheduler = configured('adamw_300_epochs_classes')
    whole = run(wrapper, scheduler, 0, EPOCHS * LENGTH)
    _, wrapper, scheduler = configured('adamw_300_epochs_classes')
    first = run(wrapper, scheduler, 0, stop)
    states = scheduler.state_dict(), wrapper.state_dict()
    _, wrapper, scheduler = configured('adamw_300_epochs_classes')
    wrapper.load_state_dict(states[1])
    scheduler.load_state_dict(states[0])
    assert first + run(wrapper, scheduler, stop, EPOCHS * LENGTH) == whole


def test_says_what_is_wrong():
    wrapper = OptimWrapper(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1))
    with pytest.raises(ValueError, match='warmup_lr or warmup_ratio, one of them'):
        WarmupCosineLR(wrapper, warmup=1, end=5, min_lr=0)
    with pytest.raises(ValueError, match='min_lr or min_ratio, one of them'):
        WarmupCosineLR(wrapper, warmup=1, end=5, warmup_lr=0, min_lr=0, min_ratio=0)
    with pytest.raises(ValueError, match='warmup=6'):
        WarmupCosineLR(wrapper, warmup=6, end=5, warmup_lr=0, min_lr=0)
    with pytest.raises(ValueError, match='a data loader of known length'):
        WarmupCosineLR.build_iter_from_epoch(wrapper, warmup=1, end=5, by_epoch=False)
