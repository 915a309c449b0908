"""Boxes of an annotation file: [x, y, width, height] in pixels, inside their image, with an area."""

from collections.abc import Callable, Iterator

import numpy as np

from swin_dense.checks.cases import by_share, counted, one_finding
from swin_dense.checks.coco_box_forms import other_form
from swin_dense.checks.coco_classes import is_named
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import MISSING, NOT_FINITE, NOT_NUMBERS, SOUND, WRONG_LENGTH, Rows
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Case, Finding, Level

_TOLERANCE = 1.0  # pixels beyond the border that come from rounding
_FORM = "'bbox' is [x, y, width, height] in pixels, x and y of its upper left corner."


def check_boxes(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> Iterator[Finding]:
    """Boxes that are read: of images that are there, and but for their form of classes that the data set names."""
    is_read = (rows.image >= 0) & ~rows.is_ignored
    yield from _malformed(file, rows, is_read)
    finite = is_read & (rows.form == SOUND) & is_named(dataset, file, rows)
    other = other_form(rows, finite)
    if other is not None:
        fix = {'centre': _from_centres, 'corner': _as_pixels, 'pixels': _from_centres_in_pixels, 'ends': _as_sizes}
        yield from _finding(
            file, rows, other.chosen, other.rule, 'error', other.message, f'{_FORM} {other.remedy}', fix[other.kind]
        )
        return
    yield from _degenerate(file, rows, finite)
    yield from _misplaced(file, rows, finite & (rows.boxes[:, 2:] > 0).all(axis=1))


def _malformed(file: CocoFile, rows: Rows, is_read: np.ndarray) -> Iterator[Finding]:
    for form, rule, message in (
        (MISSING, 'box-missing', "have no 'bbox': mmdet stops at them."),
        (WRONG_LENGTH, 'box-of-wrong-length', "have a 'bbox' that is no list of four."),
        (NOT_NUMBERS, 'box-not-numbers', 'have something else than numbers in their bbox.'),
        (NOT_FINITE, 'box-not-finite', 'are NaN, which mmdet leaves out, or infinite: the loss would be, too.'),
    ):
        chosen = (rows.form == form) & is_read
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


def _from_centres(rows: Rows, place: int, file: CocoFile) -> str:
    height, width = rows.limits[place]
    return _box(_cornered(rows.boxes[place] * [width, height, width, height]))


def _from_centres_in_pixels(rows: Rows, place: int, file: CocoFile) -> str:
    return _box(_cornered(rows.boxes[place]))


def _cornered(box: np.ndarray) -> np.ndarray:
    x, y, width, height = box
    return np.array([x - width / 2, y - height / 2, width, height])


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
