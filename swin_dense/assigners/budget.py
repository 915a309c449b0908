"""How many pairs of an object and a prior (anchor, point or proposal) are compared at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor

# of memory for a comparison of all pairs at once, as mmdet does it; for more, pairs are taken in chunks
BUDGET_BYTES = 256 * 2**20
# a chunk has less: what fits the caches, and is not asked from the system anew, was measured faster on a CPU
CHUNK_BYTES = BUDGET_BYTES // 4
# mmdet's bbox_overlaps holds two corners and a size, of two values each, and five single values
VALUES_PER_PAIR = 11


def fits_budget(count: int, priors: Any) -> bool:
    """Tell whether `count` boxes may be compared with all priors at once."""
    return count * _bytes_per_box(priors) <= BUDGET_BYTES


def chunks(count: int, priors: Any) -> Iterator[slice]:
    """Cut `count` boxes into pieces that may be compared with all priors, of one box at least."""
    step = max(1, CHUNK_BYTES // max(1, _bytes_per_box(priors)))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _bytes_per_box(priors: Any) -> int:
    return len(priors) * VALUES_PER_PAIR * get_box_tensor(priors).element_size()


def largest_share_inside(calculator: Callable, priors: Any, regions: Any, *, of_regions: bool = False) -> Tensor:
    """Give for each prior the largest share of its area that lies inside one of the regions, in chunks.

    Args:
        calculator: of overlaps, as mmdet has them.
        priors: (N, 4) boxes, as tensor or mmdet's BaseBoxes.
        regions: (M, 4) boxes, M > 0.
        of_regions: take the share of the region's area instead.

    Returns: (N,).
    """
    largest = None
    for piece in chunks(len(regions), priors):
        if of_regions:
            shares = calculator(regions[piece], priors, mode='iof').amax(dim=0)
        else:
            shares = calculator(priors, regions[piece], mode='iof').amax(dim=1)
        largest = shares if largest is None else torch.maximum(largest, shares)
    assert largest is not None
    return largest
