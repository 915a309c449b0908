"""MaxIoUAssigner in chunks against mmdet's, which compares all pairs at once."""

import itertools

import pytest
import torch
from mmdet.models.task_modules import assigners as mmdet_assigners
from mmdet.structures.bbox import HorizontalBoxes

from swin_dense.assigners.max_iou import MaxIoUAssigner
from tests.assigners.cases import assert_equal, instances, limit_memory

pytestmark = pytest.mark.filterwarnings('ignore')

SETTINGS = {
    'rpn': {'pos_iou_thr': 0.7, 'neg_iou_thr': 0.3, 'min_pos_iou': 0.3},
    'rcnn': {'pos_iou_thr': 0.5, 'neg_iou_thr': 0.5, 'min_pos_iou': 0.5, 'match_low_quality': False},
    'retinanet': {'pos_iou_thr': 0.5, 'neg_iou_thr': 0.4, 'min_pos_iou': 0},
    'first of the best alone': {'pos_iou_thr': 0.5, 'neg_iou_thr': 0.4, 'min_pos_iou': 0.1, 'gt_max_assign_all': False},
    'two thresholds': {'pos_iou_thr': 0.6, 'neg_iou_thr': (0.1, 0.4), 'min_pos_iou': 0.2},
    'an integer for a threshold': {'pos_iou_thr': 1.0, 'neg_iou_thr': 1, 'min_pos_iou': 0.2},
    'in ignored boxes': {'pos_iou_thr': 0.5, 'neg_iou_thr': 0.4, 'min_pos_iou': 0, 'ignore_iof_thr': 0.5},
    'around ignored boxes': {
        'pos_iou_thr': 0.5,
        'neg_iou_thr': 0.4,
        'min_pos_iou': 0.1,
        'ignore_iof_thr': 0.3,
        'ignore_wrt_candidates': False,
    },
    'low thresholds': {'pos_iou_thr': 0.0, 'neg_iou_thr': 0.0, 'min_pos_iou': -1.0, 'ignore_iof_thr': 0.5},
    'on the CPU': {'pos_iou_thr': 0.5, 'neg_iou_thr': 0.4, 'min_pos_iou': 0.1, 'gpu_assign_thr': 3},
    'in half precision': {
        'pos_iou_thr': 0.5,
        'neg_iou_thr': 0.4,
        'iou_calculator': {'type': 'BboxOverlaps2D', 'dtype': 'fp16', 'scale': 4.0},
    },
}
COUNTS = [(1, 1, 1), (7, 1, 3), (1, 50, 0), (23, 57, 9), (40, 211, 30), (3, 300, 60), (0, 30, 9), (9, 0, 2)]


def both(settings, cases, seed=0):
    """Results of this package's class and mmdet's, each from the same state of random numbers."""
    for cls in (MaxIoUAssigner, mmdet_assigners.MaxIoUAssigner):
        priors, objects, ignored = (case.clone() for case in cases)
        torch.manual_seed(seed)
        yield cls(**settings).assign(priors, objects, ignored)


@pytest.mark.parametrize('kind', ['random', 'ties', 'bad', 'nan'])
@pytest.mark.parametrize('name', SETTINGS)
def test_same_assignment(name, kind, monkeypatch):
    compared = assigned = 0
    for counts, num_bytes in itertools.product(COUNTS, (1, 20_000, 100_000)):
        limit_memory(monkeypatch, num_bytes=num_bytes)
        ours, theirs = both(SETTINGS[name], instances(*counts, kind=kind))
        assert_equal(ours, theirs)
        compared += 1
        assigned += int((theirs.gt_inds > 0).sum())
    assert compared == 24
    assert assigned > 0 or kind == 'nan'  # the comparison says something


@pytest.mark.parametrize('dtype', [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('name', ['rpn', 'in ignored boxes', 'first of the best alone'])
def test_other_precisions(name, dtype, monkeypatch):
    limit_memory(monkeypatch, num_bytes=5000)
    assert_equal(*both(SETTINGS[name], instances(30, 100, 10, kind='ties', dtype=dtype)))


def test_ties_go_to_the_object_that_mmdet_gives_them_to(monkeypatch):
    """The case by hand: of equal objects the first is the best, and the last one claims its best prior."""
    limit_memory(monkeypatch, num_bytes=1)
    priors, objects, _ = instances(3, 2, 0)
    objects.bboxes = torch.tensor([[0.0, 0, 10, 10]] * 3)
    objects.labels = torch.tensor([5, 6, 7])
    priors.priors = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 6]])
    settings = {'pos_iou_thr': 0.5, 'neg_iou_thr': 0.4, 'min_pos_iou': 0.3}
    result = MaxIoUAssigner(**settings).assign(priors, objects)
    assert result.gt_inds.tolist() == [3, 1]
    assert result.labels.tolist() == [7, 5]
    assert result.max_overlaps.tolist() == pytest.approx([1.0, 0.6])
    assert MaxIoUAssigner(**settings, match_low_quality=False).assign(priors, objects).gt_inds.tolist() == [1, 1]


def test_moved_objects_are_moved_alike(monkeypatch):
    limit_memory(monkeypatch, num_bytes=5000)
    cases = instances(30, 100, 0, kind='ties')
    settings = dict(SETTINGS['rpn'], perm_repeat_gt_cfg={'iou_thr': 0.7, 'perm_range': 0.01})
    assert_equal(*both(settings, cases))
    still, _ = both(SETTINGS['rpn'], cases)
    moved, _ = both(settings, cases)
    assert not torch.equal(still.max_overlaps, moved.max_overlaps)


def test_boxes_that_are_not_tensors(monkeypatch):
    limit_memory(monkeypatch, num_bytes=5000)
    priors, objects, ignored = instances(30, 100, 10, kind='ties')
    wrapped = priors.clone(), objects.clone(), ignored.clone()
    wrapped[0].priors = HorizontalBoxes(priors.priors)
    for each, plain in zip(wrapped[1:], (objects, ignored), strict=True):
        each.bboxes = HorizontalBoxes(plain.bboxes)
    ours, theirs = both(SETTINGS['in ignored boxes'], wrapped)
    assert_equal(ours, theirs)
    assert_equal(ours, next(both(SETTINGS['in ignored boxes'], (priors, objects, ignored))))


def test_small_inputs_go_through_mmdet(monkeypatch):
    called = []
    monkeypatch.setattr(mmdet_assigners.MaxIoUAssigner, 'assign', lambda *_, **__: called.append(1))
    priors, objects, ignored = instances(50, 1000, 10)
    assigner = MaxIoUAssigner(**SETTINGS['in ignored boxes'])
    assigner.assign(priors, objects, ignored)
    assert called == [1]
    for number in (49, 9):  # too many objects, and too many ignored boxes
        limit_memory(monkeypatch, num_bytes=1000 * 44 * number)
        few = objects[:5] if number == 9 else objects
        assigner.assign(priors, few, ignored)
    assert called == [1]
