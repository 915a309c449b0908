"""Maps of class scores that are worked out row by row, when and where they are asked for.

A segmentor's scores at the size of the image are the largest thing in all of inference: 150 classes of 4096 x 4096
pixels are 10 GB. Its head's own scores are 16 times smaller. So the head's scores are kept, and what is done to them
(resizing, flipping back, averaging over windows and views) is written down as a chain of sources; `label_map` asks the
last one for some rows at a time, takes the best class of each pixel, and forgets them.

A source gives the same values for a row whichever rows it is asked for with. Layout: (C, rows, W), float32.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BYTES_PER_STRIP = 128 << 20


class Rows(Protocol):
    """A map of `channels` x `size` that is worked out row by row."""

    channels: int
    size: tuple[int, int]  # (height, width)

    def rows(self, start: int, stop: int) -> Tensor:
        """(C, stop - start, W) float32, not to be written to."""


class Stored:
    """A map that is there: (C, H, W), of any floating type."""

    def __init__(self, scores_CHW: Tensor) -> None:
        self.scores_CHW = scores_CHW
        self.channels = scores_CHW.shape[0]
        self.size = (scores_CHW.shape[1], scores_CHW.shape[2])

    def rows(self, start: int, stop: int) -> Tensor:
        return self.scores_CHW[:, start:stop].float()


class Resized:
    """Bilinear, with the coordinates of `torch.nn.functional.interpolate`."""

    def __init__(self, source: Rows, size: tuple[int, int], *, align_corners: bool) -> None:
        self.source = source
        self.channels = source.channels
        self.size = size
        self.align_corners = align_corners

    def rows(self, start: int, stop: int) -> Tensor:
        if self.source.size == self.size:
            return self.source.rows(start, stop)
        low, high, weight = self._sampled_rows(start, stop)
        first = int(low[0])
        block = self.source.rows(first, int(high[-1]) + 1)
        low, high, weight = (each.to(block.device) for each in (low - first, high - first, weight[:, None]))
        # products and sum apart: a fused one rounds differently from place to place in a vector
        blended = block.index_select(1, low).mul_(1 - weight).add_(block.index_select(1, high).mul_(weight))
        if self.source.size[1] == self.size[1]:
            return blended
        return F.interpolate(
            blended[None], (stop - start, self.size[1]), mode='bilinear', align_corners=self.align_corners
        )[0]

    def _sampled_rows(self, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        """Of each row: the two of the source that it lies between, and the share of the lower one."""
        height, count = self.source.size[0], self.size[0]
        target = torch.arange(start, stop, dtype=torch.float32)
        if self.align_corners:
            position = target * ((height - 1) / (count - 1) if count > 1 else 0.0)
        else:
            position = ((target + 0.5) * (height / count) - 0.5).clamp_(min=0)
        low = position.long().clamp_(max=height - 1)
        return low, (low + 1).clamp_(max=height - 1), (position - low).clamp_(0, 1)


class Cropped:
    """The part of a map that begins at (top, left)."""

    def __init__(self, source: Rows, *, top: int, left: int, size: tuple[int, int]) -> None:
        self.source = source
        self.channels = source.channels
        self.top, self.left = top, left
        self.size = size

    def rows(self, start: int, stop: int) -> Tensor:
        return self.source.rows(self.top + start, self.top + stop)[..., self.left : self.left + self.size[1]]


class Flipped:
    """A map mirrored 'horizontal'ly, 'vertical'ly or both ('diagonal')."""

    def __init__(self, source: Rows, direction: str) -> None:
        self.source = source
        self.channels = source.channels
        self.size = source.size
        self.axes = {'horizontal': (2,), 'vertical': (1,), 'diagonal': (1, 2)}[direction]

    def rows(self, start: int, stop: int) -> Tensor:
        if 1 in self.axes:
            start, stop = self.size[0] - stop, self.size[0] - start
        return self.source.rows(start, stop).flip(self.axes)


class MeanProbability:
    """The mean over views of one image of the probabilities: softmax, or sigmoid where there is one channel."""

    def __init__(self, views: Sequence[Rows]) -> None:
        self.views = views
        self.channels = views[0].channels
        self.size = views[0].size

    def rows(self, start: int, stop: int) -> Tensor:
        total = self._probabilities(self.views[0], start, stop)
        for view in self.views[1:]:
            total += self._probabilities(view, start, stop)
        return total.div_(len(self.views))

    def _probabilities(self, view: Rows, start: int, stop: int) -> Tensor:
        scores = view.rows(start, stop)
        return scores.softmax(0) if self.channels > 1 else scores.sigmoid()


class Windows:
    """The mean over overlapping windows of a larger map. Windows can come and go while rows are asked for."""

    def __init__(self, size: tuple[int, int], channels: int, device: torch.device) -> None:
        self.size = size
        self.channels = channels
        self.device = device
        self._windows: list[tuple[int, int, Rows]] = []

    def add(self, top: int, left: int, window: Rows) -> None:
        self._windows.append((top, left, window))

    def drop_above(self, row: int) -> None:
        """Forget windows that end above `row`."""
        self._windows = [each for each in self._windows if each[0] + each[2].size[0] > row]

    def rows(self, start: int, stop: int) -> Tensor:
        total = torch.zeros(self.channels, stop - start, self.size[1], device=self.device)
        count = torch.zeros(stop - start, self.size[1], device=self.device)
        for top, left, window in self._windows:
            height, width = window.size
            first, last = max(start, top), min(stop, top + height)
            if first < last:
                rows, columns = slice(first - start, last - start), slice(left, left + width)
                total[:, rows, columns] += window.rows(first - top, last - top)
                count[rows, columns] += 1
        return total.div_(count)


def label_rows(scores: Rows, start: int, stop: int, *, threshold: float | None = None) -> Tensor:
    """(rows, W) the class of each pixel: uint8, or int16 where there are more than 256.

    Args:
        threshold: for one channel, a probability: 1 where it is exceeded, else 0.
    """
    values = scores.rows(start, stop)
    if scores.channels == 1:
        assert threshold is not None, 'one channel needs a threshold'
        return (values[0] > threshold).to(torch.uint8)
    return values.argmax(0).to(torch.uint8 if scores.channels <= 256 else torch.int16)


def strip_height(scores: Rows, budget_bytes: int) -> int:
    """Rows at a time so that what is worked out for them stays about within `budget_bytes`."""
    # rows of the result in float32, what they are blended from, and int64 indices of the best
    bytes_per_row = scores.size[1] * (scores.channels * 4 * 3 + 8)
    return max(1, budget_bytes // bytes_per_row)


def label_map(
    scores: Rows,
    *,
    threshold: float | None = None,
    budget_bytes: int = BYTES_PER_STRIP,
    start: int = 0,
    stop: int | None = None,
) -> np.ndarray:
    """(H, W) the class of each pixel, in uint8, or uint16 where there are more than 256; of rows `start` to `stop`."""
    stop = scores.size[0] if stop is None else stop
    labels = np.empty((stop - start, scores.size[1]), np.uint8 if scores.channels <= 256 else np.uint16)
    height = strip_height(scores, budget_bytes)
    for first in range(start, stop, height):
        last = min(first + height, stop)
        strip = label_rows(scores, first, last, threshold=threshold).cpu().numpy()
        labels[first - start : last - start] = strip
    return labels
