"""Learning rates of the recipes for clips against the official formulas, step by step."""

import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS

from tests.configs.recipes import read

STEPS = 40  # of an epoch


@pytest.mark.parametrize(
    ('leaf', 'epochs'),
    [
        ('video_swin/recogniser_video_swin_tiny_kinetics400_30_epochs', 30),
        ('video_swin/recogniser_video_swin_base_k400_window16_something_something_v2_60_epochs', 60),
    ],
)
def test_learning_rates(leaf, epochs):
    """mmcv's CosineAnnealing by epoch, linear warm-up from a tenth; mmengine's warm-up ends one step earlier."""
    optimizer = OptimWrapper(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0))
    by_step, by_epoch = [build(step, optimizer) for step in read(leaf).param_scheduler]
    assert isinstance(by_step.end, int)
    warm_up = 2.5 * STEPS
    optimizer.step()
    for step in range(epochs * STEPS):
        regular = 0.5 * (1 + math.cos(math.pi * (step // STEPS) / epochs))
        expected = regular * min(1.0, 0.1 + 0.9 * step / (warm_up - 1))
        assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, rel=1e-6), step
        by_step.step()
        if (step + 1) % STEPS == 0:
            by_epoch.step()


def build(config, optimizer):
    config = dict(config)
    kind = PARAM_SCHEDULERS.get(config.pop('type'))
    if config.pop('convert_to_iter_based', False):
        return kind.build_iter_from_epoch(optimizer=optimizer, **config, epoch_length=STEPS)
    return kind(optimizer=optimizer, **config)
