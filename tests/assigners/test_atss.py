"""ATSSAssigner in chunks against mmdet's, which compares all pairs at once."""

import itertools

import pytest
import torch
from mmdet.models.task_modules import assigners as mmdet_assigners

from swin_dense.assigners.atss import ATSSAssigner
from tests.assigners.cases import assert_equal, boxes, instances, limit_memory

pytestmark = pytest.mark.filterwarnings('ignore')

SETTINGS = {
    'plain': {'topk': 9},
    'few candidates': {'topk': 2},
    'in ignored boxes': {'topk': 9, 'ignore_iof_thr': 0.4},
    'in half precision': {'topk': 9, 'iou_calculator': {'type': 'BboxOverlaps2D', 'dtype': 'fp16', 'scale': 4.0}},
}
# objects, priors of each level, ignored boxes
COUNTS = [(1, (64, 16, 4), 3), (23, (256, 64, 16), 9), (40, (100, 25, 6, 2, 1), 0), (3, (300, 5), 60), (70, (31,), 9)]


def both(settings, levels, cases):
    for cls in (ATSSAssigner, mmdet_assigners.ATSSAssigner):
        priors, objects, ignored = (case.clone() for case in cases)
        yield cls(**settings).assign(priors, list(levels), objects, ignored)


@pytest.mark.parametrize('kind', ['random', 'ties', 'bad', 'nan', 'anchors'])
@pytest.mark.parametrize('name', SETTINGS)
def test_same_assignment(name, kind, monkeypatch):
    compared = assigned = ignored_priors = 0
    for (num_objects, levels, num_ignored), num_bytes in itertools.product(COUNTS, (1, 20_000, 100_000)):
        limit_memory(monkeypatch, num_bytes=num_bytes)
        cases = instances(num_objects, sum(levels), num_ignored, kind='ties' if kind == 'anchors' else kind)
        if kind == 'anchors':
            cases[0].priors = anchors(levels)
        ours, theirs = both(SETTINGS[name], levels, cases)
        assert_equal(ours, theirs)
        compared += 1
        assigned += int((theirs.gt_inds > 0).sum())
        ignored_priors += int((theirs.gt_inds == -1).sum())
    assert compared == 15
    assert assigned > 0 or kind == 'nan'  # the comparison says something
    assert (ignored_priors > 0) == (name == 'in ignored boxes' and kind != 'nan')


def anchors(levels, size=40):
    """One square anchor at each place of a grid, as ATSS has them: many are equally far from an object."""
    found = []
    for level, count in enumerate(levels):
        width = max(1, round(count**0.5))
        places = torch.arange(count)
        centre = torch.stack([places % width, places // width], dim=1) * (size / width)
        half = 4.0 * 2**level
        found.append(torch.cat([centre - half, centre + half], dim=1))
    return torch.cat(found)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float16])
def test_other_precisions(dtype, monkeypatch):
    levels = (64, 16, 4)
    cases = instances(30, sum(levels), 10, kind='ties', dtype=dtype)
    limit_memory(monkeypatch, num_bytes=5000)
    if dtype is torch.float16:
        for cls in (ATSSAssigner, mmdet_assigners.ATSSAssigner):  # mmdet's -100000000 is none of float16
            with pytest.raises(RuntimeError, match='overflow'):
                cls(topk=9).assign(cases[0], list(levels), cases[1])
    else:
        assert_equal(*both(SETTINGS['in ignored boxes'], levels, cases))


def test_an_anchor_of_several_objects_goes_to_the_first_of_the_best(monkeypatch):
    """The case by hand: two equal objects and a worse one."""
    limit_memory(monkeypatch, num_bytes=1)
    priors, objects, _ = instances(3, 4, 0)
    priors.priors = torch.tensor([[0.0, 0, 8, 8], [20, 0, 28, 8], [40, 0, 48, 8], [60, 0, 68, 8]])
    objects.bboxes = torch.tensor([[0.0, 0, 8, 12], [0, 0, 8, 9], [0, 0, 8, 9]])
    objects.labels = torch.tensor([5, 6, 7])
    result = ATSSAssigner(topk=9).assign(priors, [4], objects)
    assert result.gt_inds.tolist() == [2, 0, 0, 0]
    assert result.labels.tolist() == [6, -1, -1, -1]
    assert result.max_overlaps.tolist() == pytest.approx([8 / 9, -1e8, -1e8, -1e8])


@pytest.mark.parametrize('unusual', ['alpha', 'calculator', 'nothing'])
def test_what_compares_otherwise_goes_through_mmdet(unusual, monkeypatch):
    called = []
    monkeypatch.setattr(mmdet_assigners.ATSSAssigner, 'assign', lambda *_, **__: called.append(1))
    priors, objects, _ = instances(30, 84, 0)
    settings = {'alpha': {'alpha': 0.8}, 'calculator': {'iou_calculator': {'type': 'BboxOverlaps2D_GLIP'}}}
    assigner = ATSSAssigner(topk=9, **settings.get(unusual, {}))
    assigner.assign(priors, [64, 16, 4], objects)
    assert called == [1]
    limit_memory(monkeypatch, num_bytes=1)
    priors.bboxes = boxes(84, kind='random', dtype=torch.float32)
    if unusual == 'nothing':
        del priors.bboxes
    assigner.assign(priors, [64, 16, 4], objects)
    assert len(called) == (1 if unusual == 'nothing' else 2)
