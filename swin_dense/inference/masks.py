"""Masks of objects, kept as small as they are found.

mmdet pastes every mask of an image at the image's full size, all at once: 100 masks of 12000 x 4000 pixels are 4.8 GB.
Here a mask stays what the head gave, 28 x 28 probabilities and a box, until it is pasted by itself, cropped to its box,
and run-length encoded from the crop.
"""

import types
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from pycocotools import mask as run_lengths
from torch import Tensor, nn

from swin_dense.inference.results import CroppedMask


@dataclass(frozen=True)
class RegionMask:
    """A mask as its head gives it.

    Attributes:
        probabilities: (h, w) float32, on the CPU.
        box_xyxy: (4,) float32, the part of the image that they cover.
        threshold: a pixel belongs to the object from this probability on.
    """

    probabilities: Tensor
    box_xyxy: Tensor
    threshold: float

    def moved(self, top: int, left: int) -> 'RegionMask':
        """In the coordinates of an image whose pixel (top, left) is this one's (0, 0)."""
        return replace(self, box_xyxy=self.box_xyxy + self.box_xyxy.new_tensor([left, top, left, top]))

    def pasted(self, size: tuple[int, int]) -> CroppedMask:
        """The pixels of an image of `size` (height, width), as mmdet pastes them."""
        left, top, right, bottom = self.box_xyxy.tolist()
        if right <= left or bottom <= top:
            return CroppedMask(0, 0, np.zeros((0, 0), bool))
        values, (rows, columns) = _do_paste_mask(
            self.probabilities[None, None], self.box_xyxy[None], *size, skip_empty=True
        )
        return CroppedMask(int(rows.start), int(columns.start), (values[0] >= self.threshold).numpy())


def keep_regions(model: nn.Module) -> None:
    """Let the mask heads of `model` give lists of `RegionMask` where mmdet gives pasted masks."""
    for module in model.modules():
        if isinstance(module, FCNMaskHead):
            module._predict_by_feat_single = types.MethodType(_regions, module)


def _regions(
    head: FCNMaskHead,
    mask_preds: Any,
    bboxes: Tensor,
    labels: Tensor,
    img_meta: dict,
    rcnn_test_cfg: Any,
    rescale: bool = False,
    activate_map: bool = False,
) -> list[RegionMask]:
    """Stands in for `FCNMaskHead._predict_by_feat_single`; like that, it takes `bboxes` to the image in place."""
    scores = torch.as_tensor(mask_preds, device=bboxes.device)
    probabilities = scores if activate_map else scores.sigmoid()
    if rescale:
        bboxes /= bboxes.new_tensor(img_meta['scale_factor']).repeat(1, 2)
    if not head.class_agnostic:
        probabilities = probabilities[range(len(probabilities)), labels][:, None]
    boxes, maps = bboxes.float().cpu(), probabilities[:, 0].float().cpu()
    threshold = float(rcnn_test_cfg.mask_thr_binary)
    return [RegionMask(each, box, threshold) for each, box in zip(maps, boxes, strict=True)]


def cropped(mask: np.ndarray) -> CroppedMask:
    """A mask of the whole image, (H, W) bool, without the empty part around it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return CroppedMask(0, 0, np.zeros((0, 0), bool))
    top, left = int(rows[0]), int(columns[0])
    return CroppedMask(top, left, np.ascontiguousarray(mask[top : rows[-1] + 1, left : columns[-1] + 1]))


def mirrored(mask: CroppedMask, size: tuple[int, int], direction: str) -> CroppedMask:
    """In the mirror image of an image of `size`."""
    (height, width), (rows, columns) = size, mask.pixels.shape
    top, left, pixels = mask.top, mask.left, mask.pixels
    if direction in ('vertical', 'diagonal'):
        top, pixels = height - top - rows, pixels[::-1]
    if direction in ('horizontal', 'diagonal'):
        left, pixels = width - left - columns, pixels[:, ::-1]
    return CroppedMask(top, left, np.ascontiguousarray(pixels))


def full(mask: CroppedMask, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool."""
    whole = np.zeros(size, bool)
    height, width = mask.pixels.shape
    whole[mask.top : mask.top + height, mask.left : mask.left + width] = mask.pixels
    return whole


def encoded(mask: CroppedMask, size: tuple[int, int]) -> dict[str, Any]:
    """COCO's compressed run-length encoding, {'size': [H, W], 'counts': str}, without the whole mask in between."""
    height, width = size
    rows, columns = mask.pixels.shape
    # runs go down the columns of the image; a row of zeros at both ends closes them
    column_runs = np.zeros((columns, rows + 2), np.int8)
    column_runs[:, 1:-1] = mask.pixels.T
    steps = np.diff(column_runs, axis=1)
    offset = (np.arange(mask.left, mask.left + columns, dtype=np.int64) * height + mask.top)[:, None]
    places = offset + np.arange(rows + 1)
    starts, ends = places[steps == 1], places[steps == -1]
    # a run down to the last row goes on in the first one of the next column
    joined = starts[1:] == ends[:-1]
    starts, ends = starts[np.r_[True, ~joined][: len(starts)]], ends[np.r_[~joined, True][: len(ends)]]
    edges = np.stack([starts, ends], 1).ravel()
    counts = np.diff(np.r_[0, edges, height * width])
    if len(edges) and counts[-1] == 0:
        counts = counts[:-1]
    code = run_lengths.frPyObjects({'size': [height, width], 'counts': counts.tolist()}, height, width)
    return {'size': [height, width], 'counts': code['counts'].decode('ascii')}
