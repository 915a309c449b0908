"""Objects and priors to assign, random and full of ties, for comparison with mmdet's own classes."""

import torch
from mmengine.structures import InstanceData

from swin_dense.assigners import budget


def boxes(count, *, kind, dtype, size=40):
    """(count, 4) boxes. `random` in real numbers; `ties` on a grid so coarse that most overlaps occur often; `bad`
    with boxes of no area and inverted ones among them; `nan` with one box that is none.
    """
    corners, extents = torch.rand(count, 2) * size, torch.rand(count, 2) * size / 4 + 1
    found = torch.cat([corners, corners + extents], dim=1)
    if kind == 'ties':
        found = (found / 8).round() * 8
    if kind == 'bad' and count:
        found[::5, 2:] = found[::5, :2]
        found[1::7, 2:] -= 20
    if kind == 'nan':
        found[count // 2 : count // 2 + 1, 1] = float('nan')
    return found.to(dtype)


def instances(num_objects, num_priors, num_ignored, *, kind='random', dtype=torch.float32):
    """(priors, objects, ignored) as heads give them to assigners."""
    objects = InstanceData(bboxes=boxes(num_objects, kind=kind, dtype=dtype), labels=torch.randint(80, (num_objects,)))
    ignored = InstanceData(bboxes=boxes(num_ignored, kind=kind, dtype=dtype))
    return InstanceData(priors=boxes(num_priors, kind=kind, dtype=dtype)), objects, ignored


def limit_memory(monkeypatch, *, num_bytes):
    """Let chunks have as many bytes, which is the budget, too."""
    monkeypatch.setattr(budget, 'BUDGET_BYTES', num_bytes)
    monkeypatch.setattr(budget, 'CHUNK_BYTES', num_bytes)


def assert_equal(ours, theirs):
    """Compare two results of assigners, bit for bit."""
    assert ours.num_gts == theirs.num_gts
    for name in ('gt_inds', 'labels', 'max_overlaps'):
        left, right = getattr(ours, name), getattr(theirs, name)
        assert left.dtype == right.dtype, name
        torch.testing.assert_close(left, right, rtol=0, atol=0, equal_nan=True, msg=lambda text, name=name: name + text)
