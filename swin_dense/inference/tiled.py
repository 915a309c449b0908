"""Putting together what was predicted for the tiles of a large image."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from swin_dense.inference.detection import Detector, Instances
from swin_dense.inference.masks import RegionMask
from swin_dense.inference.results import Detections, Segmentation
from swin_dense.inference.rows import Rows, Windows, label_map
from swin_dense.inference.segmentation import Segmenter
from swin_dense.inference.tiles import Tile
from swin_dense.layers.windows import Size

# A part of an object, cut off by the border of a tile, has little overlap with the whole of it: it goes when this much
# of it lies in a box of another tile that is not much less sure.
CUT_SHARE = 0.7
COMPARABLE_SCORE = 0.5  # of that of the part
CUT_MARGIN = 3.0  # pixels from the border of a tile within which a box counts as cut


class TiledSegmentation:
    """Labels of a large image from its tiles, which come row by row from the top.

    A row of the image is finished when no tile to come touches it; the scores of tiles above are forgotten. So memory
    is that of two rows of tiles, however high the image.
    """

    def __init__(self, segmenter: Segmenter, size: Size, budget_bytes: int) -> None:
        self.segmenter = segmenter
        self.size = size
        self.budget_bytes = budget_bytes
        self._windows: Windows | None = None
        self._threshold: float | None = None
        self._labels: list[np.ndarray] = []
        self._finished_rows = 0

    def add(self, tiles: Sequence[Tile], scores: Sequence[Rows], *, next_top: int) -> None:
        """Take the scores of `tiles`; those to come begin at row `next_top` or below it."""
        if self._windows is None:
            self._windows = Windows(self.size, scores[0].channels, self.segmenter.device)
            self._threshold = self.segmenter.label_threshold(scores[0])
        for tile, rows in zip(tiles, scores, strict=True):
            self._windows.add(tile.top, tile.left, rows)
        if next_top > self._finished_rows:
            part = label_map(
                self._windows,
                threshold=self._threshold,
                budget_bytes=self.budget_bytes,
                start=self._finished_rows,
                stop=next_top,
            )
            self._labels.append(part)
            self._finished_rows = next_top
            self._windows.drop_above(next_top)

    def finished(self) -> Segmentation:
        assert self._finished_rows == self.size[0]
        labels = self._labels[0] if len(self._labels) == 1 else np.concatenate(self._labels)
        return Segmentation(labels)


class TiledDetection:
    """Objects of a large image from its tiles."""

    def __init__(self, detector: Detector, size: Size) -> None:
        self.detector = detector
        self.size = size
        self._parts: list[Instances] = []
        self._is_cut: list[Tensor] = []
        self._tile_numbers: list[Tensor] = []

    def add(self, tiles: Sequence[Tile], found: Sequence[Instances], *, next_top: int) -> None:
        for tile, each in zip(tiles, found, strict=True):
            self._tile_numbers.append(torch.full((len(each.scores),), len(self._parts)))
            self._is_cut.append(_is_cut(each.boxes_xyxy, tile, self.size))
            self._parts.append(_in_image(each, tile, self.size))

    def finished(self) -> Detections:
        if len(self._parts) == 1:
            return self._parts[0].finished()
        cut = torch.cat(self._is_cut)
        numbers = torch.cat(self._tile_numbers)
        boxes = torch.cat([part.boxes_xyxy for part in self._parts])
        labels = torch.cat([part.labels for part in self._parts])
        scores = torch.cat([part.scores for part in self._parts])
        whole = ~_covered_elsewhere(boxes, labels, scores, cut, numbers)
        ends = np.cumsum([len(part.scores) for part in self._parts])[:-1]
        parts = [
            part.picked(torch.nonzero(kept)[:, 0])
            for part, kept in zip(self._parts, whole.tensor_split(torch.from_numpy(ends)), strict=True)
        ]
        return self.detector.merged(parts).finished()


def _in_image(found: Instances, tile: Tile, size: Size) -> Instances:
    offset = found.boxes_xyxy.new_tensor([tile.left, tile.top, tile.left, tile.top])
    masks = found.masks
    if masks is not None:
        masks = tuple(
            each.moved(tile.top, tile.left)
            if isinstance(each, RegionMask)
            else replace(each, top=each.top + tile.top, left=each.left + tile.left)
            for each in masks
        )
    return Instances(size, found.boxes_xyxy + offset, found.scores, found.labels, masks)


def _is_cut(boxes: Tensor, tile: Tile, size: Size) -> Tensor:
    """Whether boxes of a tile touch a border of it that is not one of the image."""
    left, top, right, bottom = boxes.unbind(-1)
    height, width = tile.bottom - tile.top, tile.right - tile.left
    cut = torch.zeros(len(boxes), dtype=torch.bool)
    if tile.left > 0:
        cut |= left < CUT_MARGIN
    if tile.top > 0:
        cut |= top < CUT_MARGIN
    if tile.right < size[1]:
        cut |= right > width - CUT_MARGIN
    if tile.bottom < size[0]:
        cut |= bottom > height - CUT_MARGIN
    return cut


def _covered_elsewhere(boxes: Tensor, labels: Tensor, scores: Tensor, cut: Tensor, tiles: Tensor) -> Tensor:
    """Cut boxes of which most lies in a box of the same class from another tile, whole or larger."""
    covered = torch.zeros(len(boxes), dtype=torch.bool)
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
    for index in torch.nonzero(cut)[:, 0].tolist():
        others = (labels == labels[index]) & (tiles != tiles[index]) & (~cut | (areas > areas[index]))
        others &= scores >= COMPARABLE_SCORE * scores[index]
        if not others.any():
            continue
        candidates = boxes[others]
        corner = torch.minimum(candidates[:, 2:], boxes[index, 2:]) - torch.maximum(candidates[:, :2], boxes[index, :2])
        covered[index] = bool((corner.clamp(min=0).prod(1) >= CUT_SHARE * areas[index]).any())
    return covered
