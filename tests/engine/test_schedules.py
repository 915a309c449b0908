"""The learning rates of the schedules, iteration by iteration, against the formulas of mmcv 1.x behind the recipes."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS


def rates(name, *, iterations, epoch_length):
    """Step the schedulers as mmengine's hook does; gives the learning rate of each iteration."""
    cfg = Config.fromfile(f'configs/_base_/schedules/{name}.py')
    base = cfg.optim_wrapper.optimizer.lr
    parameter = torch.nn.Parameter(torch.zeros(1))
    wrapper = OptimWrapper(torch.optim.AdamW([parameter], lr=base))
    schedulers = [PARAM_SCHEDULERS.build(each, default_args={'optimizer': wrapper}) for each in cfg.param_scheduler]
    found = []
    for iteration in range(iterations):
        found.append(wrapper.get_lr()['lr'][0])
        wrapper.step()
        for scheduler in schedulers:
            if not scheduler.by_epoch or (iteration + 1) % epoch_length == 0:
                scheduler.step()
    return found


def warmed(regular, iteration, *, warmup, ratio):
    """mmcv 1.x, LrUpdaterHook.get_warmup_lr with warmup='linear'."""
    if iteration >= warmup:
        return regular
    return regular * (1 - (1 - iteration / warmup) * (1 - ratio))


@pytest.mark.parametrize(('name', 'milestones', 'epochs'), [
    ('adamw_12_epochs', (8, 11), 12), ('adamw_36_epochs', (27, 33), 36),
])  # fmt: skip
def test_coco(name, milestones, epochs):
    length = 90  # a short epoch: warm-up reaches into epoch 5
    for iteration, rate in enumerate(rates(name, iterations=epochs * length, epoch_length=length)):
        regular = 1e-4 * 0.1 ** sum(iteration // length >= milestone for milestone in milestones)
        assert rate == pytest.approx(warmed(regular, iteration, warmup=500, ratio=1e-3), rel=1e-9), iteration


def test_ade20k():
    total = 160_000
    found = rates('adamw_160k_iters', iterations=4000, epoch_length=10**9)
    for iteration, rate in enumerate(found):
        regular = 6e-5 * (1 - iteration / total)  # PolyLrUpdaterHook with power 1 and min_lr 0
        assert rate == pytest.approx(warmed(regular, iteration, warmup=1500, ratio=1e-6), rel=1e-9), iteration


@pytest.mark.parametrize('name', ['adamw_12_epochs', 'adamw_36_epochs', 'adamw_160k_iters'])
def test_loop_scheduler_and_checkpoints_agree(name):
    cfg = Config.fromfile(f'configs/_base_/schedules/{name}.py')
    end = cfg.train_cfg.get('max_epochs') or cfg.train_cfg.max_iters
    by_epoch = 'max_epochs' in cfg.train_cfg
    assert cfg.param_scheduler[1].by_epoch == by_epoch
    assert cfg.param_scheduler[1].end - end in (0, 1)
    assert cfg.default_hooks.checkpoint.get('by_epoch', True) == by_epoch
    assert end % cfg.default_hooks.checkpoint.interval == 0
    assert cfg.optim_wrapper.optimizer.betas == (0.9, 0.999)
    assert cfg.auto_scale_lr == {'enable': True, 'base_batch_size': 16}
