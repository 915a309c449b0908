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
    ('adamw_12_epochs', (8, 11), 12), ('adamw_36_epochs', (27, 33), 36), ('adamw_72_epochs', (63, 69), 72),
])  # fmt: skip
def test_coco(name, milestones, epochs):
    length = 90  # a short epoch: warm-up reaches into epoch 5
    for iteration, rate in enumerate(rates(name, iterations=epochs * length, epoch_length=length)):
        regular = 1e-4 * 0.1 ** sum(iteration // length >= milestone for milestone in milestones)
        assert rate == pytest.approx(warmed(regular, iteration, warmup=500, ratio=1e-3), rel=1e-9), iteration


def test_vitdet():
    """Linear from 0.001 in 250 iterations: facebookresearch/detectron2@13a99ca, WarmupParamScheduler."""
    for iteration, rate in enumerate(rates('adamw_100_epochs', iterations=400, epoch_length=10**9)):
        assert rate == pytest.approx(warmed(1e-4, iteration, warmup=250, ratio=1e-3), rel=1e-9), iteration


@pytest.mark.parametrize(('name', 'total'), [('adamw_160k_iters', 160_000), ('adamw_20k_iters', 20_000)])
def test_ade20k(name, total):
    found = rates(name, iterations=4000, epoch_length=10**9)
    for iteration, rate in enumerate(found):
        regular = 6e-5 * (1 - iteration / total)  # PolyLrUpdaterHook with power 1 and min_lr 0
        assert rate == pytest.approx(warmed(regular, iteration, warmup=1500, ratio=1e-6), rel=1e-9), iteration


@pytest.mark.parametrize(('name', 'batch'), [
    ('adamw_12_epochs', 16), ('adamw_36_epochs', 16), ('adamw_72_epochs', 16), ('adamw_100_epochs', 64),
    ('adamw_160k_iters', 16), ('adamw_20k_iters', 16),
])  # fmt: skip
def test_loop_scheduler_and_checkpoints_agree(name, batch):
    cfg = Config.fromfile(f'configs/_base_/schedules/{name}.py')
    end = cfg.train_cfg.get('max_epochs') or cfg.train_cfg.max_iters
    by_epoch = 'max_epochs' in cfg.train_cfg
    assert cfg.param_scheduler[1].by_epoch == by_epoch
    assert cfg.param_scheduler[1].end - end in (0, 1)
    assert cfg.default_hooks.checkpoint.get('by_epoch', True) == by_epoch
    assert end % cfg.default_hooks.checkpoint.interval == end % cfg.train_cfg.val_interval == 0
    assert cfg.optim_wrapper.optimizer.betas == (0.9, 0.999)
    assert cfg.auto_scale_lr == {'enable': True, 'base_batch_size': batch}
