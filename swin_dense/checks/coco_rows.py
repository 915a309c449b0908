"""The entries of an annotation file as arrays, so that a million of them are looked at in seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from swin_dense.checks.coco_files import CocoFile

# what a box is before its numbers are looked at
SOUND, MISSING, WRONG_LENGTH, NOT_NUMBERS, NOT_FINITE = range(5)


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """One row an image, or an annotation.

    Attributes:
        sizes: (images, 2) height and width in pixels; NaN where the file has none.
        image: (annotations,) place of the annotation's image in the file; -1 where it has no such image.
        category: (annotations,) place of its category; -1 where there is none.
        boxes: (annotations, 4) x, y, width, height; NaN where there are not four finite numbers.
        form: (annotations,) SOUND, MISSING, WRONG_LENGTH, NOT_NUMBERS or NOT_FINITE.
        areas: (annotations,) NaN where missing or no number.
        is_crowd, is_ignored: (annotations,) bool.
        limits: (annotations, 2) height and width of the annotation's image; NaN where unknown.
    """

    sizes: np.ndarray
    image: np.ndarray
    category: np.ndarray
    boxes: np.ndarray
    form: np.ndarray
    areas: np.ndarray
    is_crowd: np.ndarray
    is_ignored: np.ndarray
    limits: np.ndarray


def rows_of(file: CocoFile) -> Rows:
    sizes = np.stack([_numbers(image.get(key) for image in file.images) for key in ('height', 'width')], axis=1)
    sizes[~((sizes >= 1) & np.isfinite(sizes))] = np.nan
    annotations = file.annotations
    image = _places((each['image_id'] for each in annotations), [each['id'] for each in file.images])
    category = _places((each['category_id'] for each in annotations), [each['id'] for each in file.categories])
    boxes, form = _boxes(annotations)
    form[(form == SOUND) & ~np.isfinite(boxes).all(axis=1)] = NOT_FINITE
    boxes[form != SOUND] = np.nan
    return Rows(
        sizes=sizes,
        image=image,
        category=category,
        boxes=boxes,
        form=form,
        areas=_numbers(each.get('area') for each in annotations),
        is_crowd=np.array([bool(each.get('iscrowd')) for each in annotations], bool),
        is_ignored=np.array([bool(each.get('ignore')) for each in annotations], bool),
        # an image that is not there has the row beyond the last
        limits=np.concatenate([sizes, np.full((1, 2), np.nan)])[image],
    )


def _places(ids: Iterable[int], known: Sequence[int]) -> np.ndarray:
    place_of = {number: place for place, number in enumerate(known)}  # the last of equal ids, as pycocotools takes it
    return np.array([place_of.get(number, -1) for number in ids], np.int64)


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 2**1000  # more is no float
    return isinstance(value, float)


def _numbers(values: Iterable[Any]) -> np.ndarray:
    return np.array([value if _is_number(value) else np.nan for value in values], np.float64)


def _boxes(annotations: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    form = np.full(len(annotations), SOUND, np.int8)
    try:
        whole = np.array([each['bbox'] for each in annotations])
        if whole.dtype.kind in 'if' and whole.shape == (len(annotations), 4):
            return whole.astype(np.float64), form
    except (KeyError, ValueError):
        pass  # one by one
    boxes = np.full((len(annotations), 4), np.nan)
    for place, each in enumerate(annotations):
        box = each.get('bbox')
        if box is None or box == []:
            form[place] = MISSING
        elif not isinstance(box, list) or len(box) != 4:
            form[place] = WRONG_LENGTH
        elif not all(map(_is_number, box)):
            form[place] = NOT_NUMBERS
        else:
            boxes[place] = box
    return boxes, form
