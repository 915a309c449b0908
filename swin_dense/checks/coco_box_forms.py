"""Boxes in the forms of other formats: parts of the image, centres, two corners. Told by what fits into the images."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from swin_dense.checks.coco_rows import Rows

_TOLERANCE = 1.0  # pixels beyond the border that come from rounding
_NEARLY_ALL = 0.9
_ALL_BUT_SLIPS = 0.98
_MANY = 0.1
_AT_LEAST = 5  # boxes: fewer fit into their images by chance
_PARTS = 'lie between 0 and 1, as parts of the image: as pixels they are no boxes.'


@dataclass(frozen=True, eq=False, kw_only=True)
class OtherForm:
    """Boxes of another form, what is wrong with them, and what x and y are: `kind`."""

    kind: Literal['centre', 'corner', 'pixels', 'ends']
    chosen: np.ndarray
    rule: str
    message: str
    remedy: str


def other_form(rows: Rows, finite: np.ndarray) -> OtherForm | None:
    """The other form that nearly all of the boxes `finite` have; None where they are as they should be."""
    boxes = rows.boxes
    is_part = np.asarray(((boxes >= 0) & (boxes <= 1)).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1))
    if (parts := _all_of(finite, is_part, _NEARLY_ALL)) is not None:
        return _parts(boxes, parts)
    if (corners := _corners_instead_of_sizes(rows, finite)) is not None:
        return OtherForm(
            kind='ends', chosen=corners, rule='box-of-corners', remedy='Write [x1, y1, x2 - x1, y2 - y1].',
            message='look like [x1, y1, x2, y2]: read as sizes many reach out of their images, read as corners none '
            'does.',
        )  # fmt: skip
    if (centres := _centres_instead_of_corners(rows, finite)) is not None:
        return OtherForm(
            kind='pixels', chosen=centres, rule='box-of-centre',
            remedy='Write [x - width / 2, y - height / 2, width, height].',
            message='look like [centre x, centre y, width, height]: read with x and y as the corner many reach out of '
            'their images, read as the centre none does.',
        )  # fmt: skip
    return None


def _parts(boxes: np.ndarray, parts: np.ndarray) -> OtherForm:
    """Boxes between 0 and 1: whether x and y are the centre, as in YOLO's files."""
    start, size = boxes[parts, :2], boxes[parts, 2:]
    as_corners = (start + size <= 1.001).all(axis=1)
    as_centres = ((start - size / 2 >= -0.001) & (start + size / 2 <= 1.001)).all(axis=1)
    scale = 'x and width by the width of the image, y and height by its height'
    if as_centres.sum() > as_corners.sum():
        return OtherForm(
            kind='centre', chosen=parts, rule='box-normalised',
            message=f'{_PARTS} x and y are their centre, as in YOLO files: with x and y as the corner '
            f'{int((~as_corners).sum()):,} reach out of the image.',
            remedy=f'Take x - width / 2 and y - height / 2 for x and y, then multiply {scale}.',
        )  # fmt: skip
    unsure = ' Where they come from YOLO files, x and y are the centre: take half of the size off first.'
    return OtherForm(
        kind='corner', chosen=parts, rule='box-normalised',
        message=f'{_PARTS} x and y fit as their upper left corner.',
        remedy=f'Multiply {scale}.{unsure if as_centres.all() else ""}',
    )  # fmt: skip


def _all_of(chosen: np.ndarray, condition: np.ndarray, share: float) -> np.ndarray | None:
    """Those chosen that fulfil the condition, if so large a share does; else None."""
    found = chosen & condition
    return found if int(found.sum()) > share * int(chosen.sum()) else None


def _corners_instead_of_sizes(rows: Rows, finite: np.ndarray) -> np.ndarray | None:
    x1, y1, x2, y2 = rows.boxes.T
    height, width = rows.limits.T
    fits_as_corners = (x2 > x1) & (y2 > y1) & (x2 <= width + _TOLERANCE) & (y2 <= height + _TOLERANCE)
    reaches_out = finite & ((x1 + x2 > width + _TOLERANCE) | (y1 + y2 > height + _TOLERANCE))
    if reaches_out.sum() <= 0.2 * finite.sum():
        return None
    return _all_of(finite, np.asarray(fits_as_corners), _NEARLY_ALL)


def _centres_instead_of_corners(rows: Rows, finite: np.ndarray) -> np.ndarray | None:
    x, y, w, h = rows.boxes.T
    height, width = rows.limits.T
    low, high_x, high_y = -_TOLERANCE, width + _TOLERANCE, height + _TOLERANCE
    fits = (x - w / 2 >= low) & (y - h / 2 >= low) & (x + w / 2 <= high_x) & (y + h / 2 <= high_y) & (w > 0) & (h > 0)
    reaches_out = finite & ((x + w > high_x) | (y + h > high_y))
    if reaches_out.sum() <= max(_AT_LEAST, _MANY * finite.sum()):
        return None
    return _all_of(finite, fits, _ALL_BUT_SLIPS)
