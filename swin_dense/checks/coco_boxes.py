"""Boxes of an annotation file: [x, y, width, height] in pixels, inside their image, with an area."""

from collections.abc import Callable, Iterator

import numpy as np

from swin_dense.checks.cases import by_share, counted, one_finding
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import MISSING, NOT_FINITE, NOT_NUMBERS, SOUND, WRONG_LENGTH, Rows
from swin_dense.checks.findings import Case, Finding, Level

_TOLERANCE = 1.0  # pixels beyond the border that come from rounding
_NEARLY_ALL = 0.9
_FORM = "'bbox' is [x, y, width, height] in pixels, x and y of its upper left corner."


def check_boxes(file: CocoFile, rows: Rows) -> Iterator[Finding]:
    yield from _malformed(file, rows)
    boxes, finite = rows.boxes, (rows.form == SOUND) & ~rows.is_ignored
    if (scaled := _all_of(finite, _is_normalised(boxes))) is not None:
        yield from _finding(
            file, rows, scaled, 'box-normalised', 'error',
            'lie between 0 and 1, as YOLO and others give them: as pixels they are no boxes.',
            f'{_FORM} Multiply x and width by the width of the image, y and height by its height.', _as_pixels,
        )  # fmt: skip
        return
    if (corners := _corners_instead_of_sizes(rows, finite)) is not None:
        yield from _finding(
            file, rows, corners, 'box-of-corners', 'error',
            'look like [x1, y1, x2, y2]: read as sizes many reach out of their images, read as corners none does.',
            f'{_FORM} Write [x1, y1, x2 - x1, y2 - y1].', _as_sizes,
        )  # fmt: skip
        return
    yield from _degenerate(file, rows, finite)
    yield from _misplaced(file, rows, finite & (boxes[:, 2:] > 0).all(axis=1))


def _malformed(file: CocoFile, rows: Rows) -> Iterator[Finding]:
    for form, rule, message in (
        (MISSING, 'box-missing', "have no 'bbox': mmdet stops at them."),
        (WRONG_LENGTH, 'box-of-wrong-length', "have a 'bbox' that is no list of four."),
        (NOT_NUMBERS, 'box-not-numbers', 'have something else than numbers in their bbox.'),
        (NOT_FINITE, 'box-not-finite', 'are NaN, which mmdet leaves out, or infinite: the loss would be, too.'),
    ):
        chosen = (rows.form == form) & ~rows.is_ignored
        yield from _finding(file, rows, chosen, rule, 'error', message, _FORM, _from_outline)


def _degenerate(file: CocoFile, rows: Rows, finite: np.ndarray) -> Iterator[Finding]:
    smallest = np.min(rows.boxes[:, 2:], axis=1)
    total = len(rows.boxes)
    for chosen, rule, message, remedy in (
        (smallest < 0, 'box-inverted', 'have a negative width or height: mmdet leaves them out.',
         f'{_FORM} A corner was taken for the other one.'),
        (smallest == 0, 'box-without-area', 'have no width or no height: mmdet leaves them out.',
         'Correct the boxes, or remove the annotations.'),
    ):  # fmt: skip
        chosen &= finite
        level = by_share(int(chosen.sum()), total)
        fix = _turned if rule == 'box-inverted' else _from_outline
        yield from _finding(file, rows, chosen, rule, level, message, remedy, fix)
    chosen = finite & (smallest > 0) & (smallest < 1)
    yield from _finding(
        file, rows, chosen, 'box-under-one-pixel', 'error' if chosen.sum() > total / 2 else 'warning',
        'are narrower or lower than one pixel: mmdet leaves them out.',
        'Expect such objects not to be learnt; boxes between 0 and 1 are to be multiplied by the size of the image.',
    )  # fmt: skip


def _misplaced(file: CocoFile, rows: Rows, chosen: np.ndarray) -> Iterator[Finding]:
    x, y, width, height = rows.boxes.T
    image_height, image_width = rows.limits.T
    outside = chosen & ((x >= image_width) | (y >= image_height) | (x + width <= 0) | (y + height <= 0))
    yield from _finding(
        file, rows, outside, 'box-outside', by_share(int(outside.sum()), len(x)),
        'lie outside their image: mmdet leaves them out.',
        'Boxes and images do not belong together: look at image_id, and at whether the images were scaled or cut.',
    )  # fmt: skip
    over = np.max([-x, -y, x + width - image_width, y + height - image_height], axis=0)
    partly = chosen & ~outside & (over > _TOLERANCE)
    yield from _finding(
        file, rows, partly, 'box-partly-outside', 'warning',
        f'reach out of their image, by up to {np.max(over, where=partly, initial=0):.0f} pixels: they are cut off, or '
        'pull what is found beyond the border.',
        'Clip them. Many of them mean boxes of another size of the images, or corners where sizes belong.', _clipped,
    )  # fmt: skip


def _is_normalised(boxes: np.ndarray) -> np.ndarray:
    return np.asarray(((boxes >= 0) & (boxes <= 1)).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1))


def _all_of(chosen: np.ndarray, condition: np.ndarray) -> np.ndarray | None:
    """Those chosen that fulfil the condition, if nearly all do; else None."""
    found = chosen & condition
    return found if int(found.sum()) > _NEARLY_ALL * int(chosen.sum()) else None


def _corners_instead_of_sizes(rows: Rows, finite: np.ndarray) -> np.ndarray | None:
    x1, y1, x2, y2 = rows.boxes.T
    height, width = rows.limits.T
    fits_as_corners = (x2 > x1) & (y2 > y1) & (x2 <= width + _TOLERANCE) & (y2 <= height + _TOLERANCE)
    reaches_out = finite & ((x1 + x2 > width + _TOLERANCE) | (y1 + y2 > height + _TOLERANCE))
    if reaches_out.sum() <= 0.2 * finite.sum():
        return None
    return _all_of(finite, np.asarray(fits_as_corners))


def _finding(
    file: CocoFile,
    rows: Rows,
    chosen: np.ndarray,
    rule: str,
    level: Level,
    message: str,
    remedy: str,
    fix: Callable[[Rows, int, CocoFile], str] | None = None,
) -> Iterator[Finding]:
    places = np.flatnonzero(chosen)
    cases = [
        Case(
            file.path, f'annotations[{place}].bbox', file.annotations[place].get('bbox'),
            fix(rows, place, file) if fix else 'correct it, or remove the annotation',
        )
        for place in places
    ]  # fmt: skip
    yield from one_finding(
        cases, level=level, rule=rule, file=file.path, key='annotations[].bbox',
        message=f'{len(places):,} of {counted(len(rows.boxes), "box", "boxes")} {message}', remedy=remedy,
    )  # fmt: skip


def _box(values: np.ndarray) -> str:
    return f'bbox: {[round(float(value), 2) for value in values]}'


def _as_pixels(rows: Rows, place: int, file: CocoFile) -> str:
    height, width = rows.limits[place]
    return _box(rows.boxes[place] * [width, height, width, height])


def _as_sizes(rows: Rows, place: int, file: CocoFile) -> str:
    x1, y1, x2, y2 = rows.boxes[place]
    return _box(np.array([x1, y1, x2 - x1, y2 - y1]))


def _turned(rows: Rows, place: int, file: CocoFile) -> str:
    x, y, width, height = rows.boxes[place]
    return _box(np.array([min(x, x + width), min(y, y + height), abs(width), abs(height)]))


def _clipped(rows: Rows, place: int, file: CocoFile) -> str:
    x, y, width, height = rows.boxes[place]
    image_height, image_width = rows.limits[place]
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + width, image_width), min(y + height, image_height)
    return _box(np.array([x1, y1, x2 - x1, y2 - y1]))


def _from_outline(rows: Rows, place: int, file: CocoFile) -> str:
    """The box around the polygons, where the annotation has any."""
    try:
        points = np.concatenate([np.asarray(each, float) for each in file.annotations[place]['segmentation']])
        low, high = points.reshape(-1, 2).min(axis=0), points.reshape(-1, 2).max(axis=0)
        return _box(np.concatenate([low, high - low]))
    except (KeyError, TypeError, ValueError):
        return 'correct it, or remove the annotation'
