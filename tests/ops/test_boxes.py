"""NMS and its relatives against loops over single boxes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmcv import ops

from swin_dense.ops import boxes as box_ops
from swin_dense.ops import torchvision_kernels


def draw_boxes(count, extent=200, seed=0):
    """Float32 boxes of 4 to 64 pixels and scores without ties."""
    generator = np.random.RandomState(seed)
    corners = generator.rand(count, 2) * extent
    boxes = np.concatenate([corners, corners + 4 + 60 * generator.rand(count, 2)], axis=1)
    scores = (generator.permutation(count) + 1) / count
    return torch.from_numpy(boxes.astype(np.float32)), torch.from_numpy(scores.astype(np.float32))


def iou(box, other, offset):
    width = max(0.0, min(box[2], other[2]) - max(box[0], other[0]) + offset)
    height = max(0.0, min(box[3], other[3]) - max(box[1], other[1]) + offset)
    areas = [(b[2] - b[0] + offset) * (b[3] - b[1] + offset) for b in (box, other)]
    return width * height / (sum(areas) - width * height)


def nms_by_loop(boxes, scores, threshold, offset):
    boxes, kept = boxes.double().tolist(), []
    for candidate in scores.argsort(descending=True).tolist():
        if all(iou(boxes[candidate], boxes[better], offset) <= threshold for better in kept):
            kept.append(candidate)
    return kept


@pytest.fixture
def without_torchvision(monkeypatch):
    monkeypatch.setattr(torchvision_kernels, 'load', lambda: None)


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.7])
@pytest.mark.parametrize(('block_size', 'max_pairs'), [(128, 2**18), (7, 2**18), (128, 1000)])
def test_nms_is_greedy(monkeypatch, without_torchvision, offset, threshold, block_size, max_pairs):
    monkeypatch.setattr(box_ops, 'LARGEST_BLOCK', block_size)
    monkeypatch.setattr(box_ops, 'MAX_PAIRS', max_pairs)
    boxes, scores = draw_boxes(300)
    assert box_ops.nms(boxes, scores, threshold, offset).tolist() == nms_by_loop(boxes, scores, threshold, offset)


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.0, 0.2])
def test_nms_of_separate_parts(monkeypatch, without_torchvision, offset, threshold):
    """Boxes with corners on whole numbers, in clusters that touch, overlap by the offset alone, or are far apart."""
    monkeypatch.setattr(box_ops, 'SMALLEST_BUNDLE', 5)
    parts = []
    original = box_ops._nms_in_blocks
    monkeypatch.setattr(box_ops, '_nms_in_blocks', lambda columns, *args: parts.append(1) or original(columns, *args))
    generator = np.random.RandomState(0)
    left, top = 4 * generator.randint(60, size=300), generator.randint(6, size=300)
    width, height = generator.choice([1, 2, 4], size=300, p=[0.6, 0.35, 0.05]), generator.randint(1, 9, size=300)
    boxes = torch.from_numpy(np.stack([left, top, left + width, top + height], axis=1)).float()
    scores = draw_boxes(300)[1]
    assert box_ops.nms(boxes, scores, threshold, offset).tolist() == nms_by_loop(boxes, scores, threshold, offset)
    assert len(parts) > 3


def test_nms_follows_chains_of_removals(without_torchvision):
    """Each box removes the next one, if it is kept itself: every second one stays, decided one after the other."""
    left = torch.arange(100.0) * 3
    boxes = torch.stack([left, torch.zeros(100), left + 10, torch.full((100,), 10.0)], dim=1)
    scores = torch.linspace(1, 0.1, 100)
    assert box_ops.nms(boxes, scores, 0.5).tolist() == list(range(0, 100, 2))


def test_nms_bounds_its_pairs(monkeypatch, without_torchvision):
    """10,000 boxes that nothing removes are the worst case, and must not become a matrix of 10,000 x 10,000."""
    seen = []
    original = box_ops._exceed

    def spy(first, second, *args):
        seen.append(first.shape[1] * second.shape[1])
        return original(first, second, *args)

    monkeypatch.setattr(box_ops, '_exceed', spy)
    left = torch.arange(10000.0) * 20
    boxes = torch.stack([left, left, left + 10, left + 10], dim=1)
    assert len(box_ops.nms(boxes, torch.rand(10000), 0.5)) == 10000
    assert max(seen) <= 10000 * box_ops.SMALLEST_BLOCK


def test_nms_keeps_empty_boxes(without_torchvision):
    """0 / 0 is no overlap, as in mmcv's kernel."""
    boxes = torch.tensor([[5.0, 5, 5, 5], [5, 5, 5, 5], [0, 0, 10, 10]])
    assert box_ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 1, 2]


def test_nothing_from_nothing():
    empty = torch.zeros(0, 4), torch.zeros(0)
    for dets, keep in (
        ops.nms(*empty, 0.5),
        ops.soft_nms(*empty, 0.5),
        box_ops.soft_nms(*empty, 0.5, 0.5, 1e-3, box_ops.LINEAR),
    ):
        assert dets.shape == (0, 5)
        assert keep.shape == (0,)
        assert keep.dtype == torch.long
    assert box_ops.nms_match(*empty, 0.5) == []


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_decides_in_float32(without_torchvision, dtype):
    boxes, scores = (tensor.to(dtype) for tensor in draw_boxes(60))
    scores = torch.arange(60).to(dtype) / 64  # without ties in bfloat16
    dets, keep = ops.nms(boxes, scores, 0.4)
    assert dets.dtype == dtype
    assert keep.tolist() == nms_by_loop(boxes, scores, 0.4, 0)
    soft, soft_keep = ops.soft_nms(boxes, scores, 0.4)
    expected, expected_keep = ops.soft_nms(boxes.float(), scores.float(), 0.4)
    assert soft.dtype == dtype
    torch.testing.assert_close(soft, expected.to(dtype))
    torch.testing.assert_close(soft_keep, expected_keep)


def test_torchvision_does_what_it_does_the_same(monkeypatch):
    """Its kernel knows no offset; ties are the same sort either way since the boxes arrive sorted."""
    calls = []

    def kernel(boxes, scores, threshold):
        calls.append(threshold)
        assert torch.equal(scores, scores.sort(descending=True).values)
        return torch.tensor(nms_by_loop(boxes, scores, threshold, 0))

    monkeypatch.setattr(torchvision_kernels, 'load', lambda: SimpleNamespace(nms=kernel))
    boxes, scores = draw_boxes(50)
    for offset in (0, 1):
        assert box_ops.nms(boxes, scores, 0.4, offset).tolist() == nms_by_loop(boxes, scores, 0.4, offset)
    assert calls == [0.4]


def soft_nms_by_loop(boxes, scores, threshold, sigma, min_score, method, offset):
    boxes, left, picked = boxes.double().tolist(), dict(enumerate(scores.double().tolist())), []
    while left:
        best = max(left, key=left.get)
        picked.append((best, left.pop(best)))
        for index in list(left):
            overlap = iou(boxes[best], boxes[index], offset)
            if method == 'gaussian':
                left[index] *= np.exp(-(overlap**2) / sigma)
            elif overlap >= threshold:
                left[index] *= 1 - overlap if method == 'linear' else 0
            if left[index] < min_score:
                del left[index]
    return picked


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms(method, offset):
    boxes, scores = draw_boxes(150)
    dets, keep = ops.soft_nms(boxes, scores, 0.3, 0.4, 0.05, method, offset)
    expected = soft_nms_by_loop(boxes, scores, 0.3, 0.4, 0.05, method, offset)
    assert keep.tolist() == [index for index, _ in expected]
    torch.testing.assert_close(dets[:, :4], boxes[keep])
    torch.testing.assert_close(dets[:, 4], torch.tensor([float(score) for _, score in expected]))


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms_of_empty_boxes(method):
    boxes, scores = torch.tensor([[5.0, 5, 5, 5], [5, 5, 5, 5]]), torch.tensor([0.9, 0.8])
    assert torch.equal(ops.soft_nms(boxes, scores, method=method)[0][:, 4], scores)


def test_nms_match():
    boxes, scores = draw_boxes(80)
    left, expected = scores.argsort(descending=True).tolist(), []
    while left:
        group = [left[0]] + [i for i in left[1:] if iou(boxes[left[0]].tolist(), boxes[i].tolist(), 0) >= 0.3]
        expected.append(group)
        left = [i for i in left if i not in group]
    groups = ops.nms_match(torch.cat([boxes, scores[:, None]], dim=1), 0.3)
    assert [group.tolist() for group in groups] == expected


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('mode', ['iou', 'iof'])
def test_bbox_overlaps(mode, offset):
    boxes, others = draw_boxes(13)[0], draw_boxes(9, seed=1)[0]
    expected = torch.zeros(13, 9)
    for i, box in enumerate(boxes.tolist()):
        for j, other in enumerate(others.tolist()):
            value = iou(box, other, offset)
            area, other_area = ((b[2] - b[0] + offset) * (b[3] - b[1] + offset) for b in (box, other))
            expected[i, j] = value if mode == 'iou' else value / (1 + value) * (area + other_area) / area
    torch.testing.assert_close(ops.bbox_overlaps(boxes, others, mode, offset=offset), expected)
    aligned = ops.bbox_overlaps(boxes[:9], others, mode, aligned=True, offset=offset)
    torch.testing.assert_close(aligned, expected.diagonal())
