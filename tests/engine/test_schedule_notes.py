"""A length of training that the schedule does not know of is said in the start log."""

import pytest

from swin_dense.engine.schedule_notes import schedule_notes
from tests.configs.recipes import find_leaves, read

STEPS = {'type': 'MultiStepLR', 'milestones': [8, 11], 'end': 12}
POLY = {'type': 'PolyLR', 'by_epoch': False, 'end': 160_001}


@pytest.mark.parametrize(
    ('scheduler', 'train_cfg', 'said'),
    [
        (STEPS, {'max_epochs': 12}, None),
        (STEPS, {'max_epochs': 9}, r'before milestones [11]'),
        (STEPS, {'max_epochs': 8}, r'before milestones [8, 11]'),
        ([STEPS], {'max_iters': 1200}, None),
        ([STEPS], {'max_iters': 1000}, r'ends at epoch 10, before milestones [11]'),
        (POLY, {'max_iters': 160_000}, None),
        (POLY, {'max_iters': 80_000}, 'PolyLR ends at iteration 160001, training at 80000: the rate does not come'),
        (POLY, {'max_iters': 320_000}, 'the rest has the last rate'),
        ({'type': 'CosineAnnealingLR', 'end': 12}, {'max_epochs': 24}, 'the rest has the last rate'),
        ({'type': 'CosineAnnealingLR', 'by_epoch': False, 'end': 1200}, {'max_epochs': 12}, None),
        ({'type': 'LinearLR', 'by_epoch': False, 'end': 500}, {'max_iters': 100}, None),
        (None, {'max_iters': 100}, None),
    ],
)
def test_what_disagrees_is_said(scheduler, train_cfg, said):
    notes = list(schedule_notes(scheduler, train_cfg, iterations_per_epoch=100))
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]


@pytest.mark.parametrize('leaf', find_leaves())
def test_our_recipes_agree_with_themselves(leaf):
    cfg = read(leaf)
    per_epoch = 7330 if 'max_epochs' in cfg.train_cfg else 1264
    assert list(schedule_notes(cfg.param_scheduler, cfg.train_cfg, per_epoch)) == []
