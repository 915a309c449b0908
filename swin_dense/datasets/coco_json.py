"""COCO annotation files: the names in one, and what may be missing from its annotations.

Made apart from mmdet's data set, so that a config can be filled in and a metric bound without it.
"""

import difflib
import json
import os
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pycocotools import mask as coco_masks

# a key of the file: within a string its first quote would have a backslash before it
_KEY = '"categories"'


def category_names(path: str | os.PathLike) -> tuple[str, ...]:
    """The names of a COCO annotation file's categories, in the order in which it lists them.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not JSON, or has no list of named categories.
    """
    state = os.stat(path)
    return _category_names(os.fspath(path), state.st_mtime_ns, state.st_size)


def complete_annotations(content: Mapping[str, Any]) -> None:
    """Write into a file's content what exports leave out or write otherwise: `area`, `iscrowd`, sizes of images.

    An area that is missing, 0 or no number becomes that of the segmentation in pixels, or of the box where there is
    none: as COCO defines it. An `iscrowd` that is missing or null becomes 0. A height of 640.0 becomes 640, as
    pycocotools makes masks of whole numbers alone.
    """
    for image in content.get('images', ()):
        for side in ('height', 'width'):
            if isinstance(image.get(side), float) and image[side].is_integer():
                image[side] = int(image[side])
    sizes = {image.get('id'): (image.get('height'), image.get('width')) for image in content.get('images', ())}
    for annotation in content.get('annotations', ()):
        if annotation.get('iscrowd') is None:
            annotation['iscrowd'] = 0
        if not is_positive(annotation.get('area')):
            annotation['area'] = area_of(annotation, *sizes.get(annotation.get('image_id'), (None, None)))


def area_of(annotation: Mapping[str, Any], height: int | None, width: int | None) -> float:
    """The area of an annotation in pixels: of its segmentation in an image of this size, else of its box, else 0."""
    segmentation = annotation.get('segmentation')
    if segmentation and height and width:
        try:
            runs = segmentation
            if isinstance(segmentation, list):
                runs = coco_masks.merge(coco_masks.frPyObjects(segmentation, height, width))
            elif isinstance(segmentation['counts'], list):
                runs = coco_masks.frPyObjects(segmentation, height, width)
            if (area := float(coco_masks.area(runs))) > 0:
                return area
        except Exception:  # whatever a broken outline makes pycocotools raise: a plain Exception, too
            pass
    try:
        _, _, box_width, box_height = annotation['bbox']
        return max(0.0, float(box_width)) * max(0.0, float(box_height))
    except (KeyError, TypeError, ValueError):
        return 0.0


def is_positive(value: Any) -> bool:
    """Whether a value is a number above 0; NaN is not."""
    return isinstance(value, (int, float)) and value > 0


def repeated(values: Iterable[Hashable]) -> list[Any]:
    """The values that occur more than once."""
    return [value for value, count in Counter(values).items() if count > 1]


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """The one of the names that is most like this one: but for upper and lower case, else by its letters; or None."""
    folded = {each.casefold().strip(): each for each in known}
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return folded.get(name.casefold().strip()) or (close[0] if close else None)


@lru_cache(maxsize=64)
def _category_names(path: str, modified: int, size: int) -> tuple[str, ...]:
    with open(path, encoding='utf-8') as file:
        text = file.read()
    categories = _only_categories(text)
    if categories is None:  # not in plain sight, or twice
        content = json.loads(text)
        categories = content.get('categories') if isinstance(content, dict) else None
    if not _are_named(categories):
        raise ValueError(f"{path} has no 'categories', a list like [{{'id': 1, 'name': 'cat'}}]: it is not COCO JSON.")
    return tuple(str(category['name']) for category in categories)


def _only_categories(text: str) -> Any:
    """The value of the only `categories` of a file, without reading the other 400 MB of COCO's."""
    if text.count(_KEY) != 1:
        return None
    rest = text.index(_KEY) + len(_KEY)
    start = text.find('[', rest)
    if start < 0 or text[rest:start].strip() != ':':
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text, start)
    except json.JSONDecodeError:
        return None
    return found if _are_named(found) else None


def _are_named(categories: Any) -> bool:
    return (
        isinstance(categories, list)
        and bool(categories)
        and all(isinstance(category, dict) and 'name' in category for category in categories)
    )
