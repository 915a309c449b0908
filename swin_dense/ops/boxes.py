"""Overlaps of boxes and what is decided by them: NMS, soft-NMS, NMS with matches.

Boxes are (N, 4) as x1, y1, x2, y2; `offset` is 1 where boxes are inclusive pixel indices, so that a width is
x2 - x1 + 1, else 0. Divisions and sums are done in the order of mmcv's kernels: a pair at the threshold falls on the
same side here as there.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from swin_dense.ops import torchvision_kernels
from swin_dense.ops.precision import computable

# Blocks of boxes against the rest: larger ones compute overlaps of boxes that the block itself removes, smaller ones
# are more steps in Python. 2^18 pairs are 1 MB for each temporary tensor, which stays in the cache.
LARGEST_BLOCK, SMALLEST_BLOCK = 128, 32
MAX_PAIRS = 2**18
SMALLEST_BUNDLE = 512  # boxes worth a step of their own

NAIVE, LINEAR, GAUSSIAN = range(3)  # mmcv's numbers for the methods of soft-NMS


def bbox_overlaps(boxes: Tensor, others: Tensor, foreground_only: bool, aligned: bool, offset: int) -> Tensor:
    """IoU, or intersection over the area of `boxes`, of all pairs (N, M), or of the aligned pairs (N,)."""
    first, second = _columns(computable(boxes), offset), _columns(computable(others), offset)
    if not aligned:
        first, second = first[:, :, None], second[:, None, :]
    return _intersections(first, second, offset) / first[4] if foreground_only else _ious(first, second, offset)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int = 0) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 4).
        scores: (N,).
        iou_threshold: a box goes where its IoU with a kept box of higher score is above this.
        offset: 0 or 1, see the head of the file.

    Returns:
        Indices of the kept boxes, highest score first.
    """
    boxes, scores = computable(boxes), computable(scores)
    # As mmcv sorts: not stable, and so in the same order among equal scores.
    scores, order = scores.sort(descending=True)
    kernels = torchvision_kernels.load()
    if kernels is not None and offset == 0:
        return order[kernels.nms(boxes[order], scores, iou_threshold)]

    columns = _columns(boxes[order], offset)
    kept = torch.zeros_like(order, dtype=torch.bool)
    for bundle in _bundles(columns, offset):
        kept[bundle[_nms_in_blocks(columns[:, bundle], iou_threshold, offset)]] = True
    return order[kept]


def _bundles(columns: Tensor, offset: int) -> Iterator[Tensor]:
    """Indices of boxes in parts that do not overlap each other, in ascending order.

    Batched NMS shifts each class or level to its own place, so that there is much to be saved.
    """
    left, by_left = columns[0].sort()
    reach = columns[2, by_left].cummax(dim=0).values
    gaps = (left[1:] >= reach[:-1] + offset).nonzero()[:, 0] + 1
    start = 0
    for end in [*gaps.tolist(), len(left)]:
        if end - start >= SMALLEST_BUNDLE or end == len(left):
            yield by_left[start:end].sort().values
            start = end


def _nms_in_blocks(columns: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Which of the boxes, given as columns (5, N) by descending score, are kept, as indices."""
    indices = torch.arange(columns.shape[1], device=columns.device)
    kept = [indices[:0]]
    while indices.numel() > 0:
        size = min(LARGEST_BLOCK, max(SMALLEST_BLOCK, MAX_PAIRS // indices.numel()))
        block, rest = columns[:, :size], columns[:, size:]
        survivors = _greedy(_exceed(block, block, iou_threshold, offset))
        kept.append(indices[:size][survivors])
        free = ~_exceed(block[:, survivors], rest, iou_threshold, offset).any(dim=0)
        indices, columns = indices[size:][free], rest[:, free]
    return torch.cat(kept)


def _greedy(exceeds: Tensor) -> Tensor:
    """Which of (N, N) boxes, sorted by score, are kept, where exceeds[i, j] says that i removes j if i is kept.

    Repeating "kept is what no kept box removes" settles on the greedy answer: the first box is right from the start,
    and each round makes at least the next one right. Chains of removals are short, and so are the rounds.
    """
    removes = exceeds.triu(diagonal=1).float()
    kept = torch.ones_like(removes[0])
    while True:
        still_kept = (kept @ removes == 0).float()
        if torch.equal(still_kept, kept):
            return kept.bool()
        kept = still_kept


def soft_nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, sigma: float, min_score: float, method: int, offset: int = 0
) -> tuple[Tensor, Tensor]:
    """Soft non-maximum suppression: overlap with a better box lowers a score instead of removing the box.

    Args:
        boxes: (N, 4).
        scores: (N,).
        iou_threshold: from this IoU on, NAIVE sets a score to 0 and LINEAR multiplies it by 1 - IoU.
        sigma: GAUSSIAN multiplies by exp(-IoU^2 / sigma), whatever the threshold.
        min_score: boxes whose score falls below this are dropped.
        method: NAIVE, LINEAR or GAUSSIAN.
        offset: 0 or 1, see the head of the file.

    Returns:
        Boxes with their lowered scores (K, 5) and their indices (K,), in the order in which they were picked.
    """
    # Many tiny steps, one after the other: in numpy, whose calls cost a third of torch's. mmcv runs this on CPUs alone.
    table = torch.cat([_columns(computable(boxes), offset), computable(scores)[None]]).cpu().numpy()  # (6, N)
    indices = np.arange(len(scores))
    position = 0
    while position < len(indices):
        best = position + int(table[5, position:].argmax())
        if best != position:
            swap, swapped = [position, best], [best, position]
            table[:, swap], indices[swap] = table[:, swapped], indices[swapped]
        picked, rest = table[:, position : position + 1], table[:, position + 1 :]
        position += 1
        rest[5] *= _decay(picked, rest, iou_threshold, sigma, method, offset)
        low = rest[5] < min_score
        if low.any():
            order = np.concatenate([np.arange(position), position + _fill_gaps(low)])
            table, indices = table[:, order], indices[order]
    picked_boxes = np.concatenate([table[:4], table[5:]]).T
    return torch.from_numpy(picked_boxes).to(boxes.device), torch.from_numpy(indices).to(boxes.device)


def _decay(
    picked: np.ndarray, rest: np.ndarray, iou_threshold: float, sigma: float, method: int, offset: int
) -> np.ndarray:
    """What the scores of the rest are multiplied by."""
    sizes = np.minimum(picked[2:4], rest[2:4]) - np.maximum(picked[:2], rest[:2]) + np.asarray(offset, rest.dtype)
    inter = np.maximum(sizes, 0).prod(axis=0)
    with np.errstate(invalid='ignore'):  # 0 / 0, of empty boxes, is no overlap
        iou = np.nan_to_num(inter / (picked[4] + rest[4] - inter))
    if method == GAUSSIAN:
        return np.exp(-(iou * iou) / np.asarray(sigma, iou.dtype))
    return np.where(iou >= iou_threshold, 1 - iou if method == LINEAR else 0, np.ones_like(iou))


def _fill_gaps(unwanted: np.ndarray) -> np.ndarray:
    """The order of the wanted entries after the last of them moved up into the places of unwanted ones.

    It is the order of mmcv's kernel, and decides which of two equal scores is picked first.
    """
    order = np.arange((~unwanted).sum())
    gaps = np.flatnonzero(unwanted[: len(order)])
    order[gaps] = len(order) + np.flatnonzero(~unwanted[len(order) :])[::-1]
    return order


def nms_match(boxes: Tensor, scores: Tensor, iou_threshold: float) -> list[list[int]]:
    """NMS that remembers: for each kept box its own index and those of the boxes that it removed, by score.

    Unlike `nms` this removes at the threshold too, as mmcv does.
    """
    boxes, scores = computable(boxes), computable(scores)
    order = scores.sort(descending=True).indices
    columns = _columns(boxes[order], offset=0)
    groups = []
    while order.numel() > 0:
        removed = _ious(columns[:, :1], columns, offset=0) >= iou_threshold
        removed[0] = True  # an empty box has no IoU with itself
        groups.append(order[removed].tolist())
        order, columns = order[~removed], columns[:, ~removed]
    return groups


def _columns(boxes: Tensor, offset: int) -> Tensor:
    """(5, N): x1, y1, x2, y2, area."""
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([x1, y1, x2, y2, (x2 - x1 + offset) * (y2 - y1 + offset)])


def _intersections(first: Tensor, second: Tensor, offset: int) -> Tensor:
    # in place: these are the largest tensors of NMS, and passes over memory are its cost
    width = torch.minimum(first[2], second[2]).sub_(torch.maximum(first[0], second[0])).add_(offset).clamp_(min=0)
    height = torch.minimum(first[3], second[3]).sub_(torch.maximum(first[1], second[1])).add_(offset).clamp_(min=0)
    return width.mul_(height)


def _ious(first: Tensor, second: Tensor, offset: int) -> Tensor:
    inter = _intersections(first, second, offset)
    return inter / (first[4] + second[4]).sub_(inter)


def _exceed(first: Tensor, second: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """(N, M): whether the IoU of two boxes, given as columns (5, N) and (5, M), is above the threshold."""
    return _ious(first[:, :, None], second[:, None, :], offset) > iou_threshold
