"""Reads annotations of labelme, versions 3 to 6: one json an image, with the image beside it or inside.

Format: labelme/_label_file.py and labelme/utils/shape.py of wkentaro/labelme 6.3.1.
"""

import base64
import io
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image

from swin_dense.datasets.demo_annotations import polygons as outlines
from swin_dense.datasets.image_headers import SIDEWAYS, check_whole, format_of, read_header

Polygon = list[float]  # [x1, y1, x2, y2, ...] in pixels

_PIXELS_OFF = 0.1  # of a circle's polygon from the circle, at most
_SUFFIXES = {'JPEG': '.jpg', 'PNG': '.png'}


@dataclass(frozen=True)
class LabelledObject:
    """One object: `polygons` of shapes with one label and one group_id, in the order of the first."""

    label: str
    polygons: list[Polygon]


@dataclass(frozen=True)
class LabelledImage:
    """What a json of labelme says.

    Attributes:
        content: the image file.
        suffix: of its name: `.jpg`.
        height, width: in pixels, upright.
        source: path of the image file; None where the json holds it.
        objects: in the order in which they were drawn.
        left_out: number of shapes that are no regions, by kind: `line`, `point`, `polygon of 2 points`.
    """

    content: bytes
    suffix: str
    height: int
    width: int
    source: Path | None
    objects: list[LabelledObject] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_labelme(path: Path) -> LabelledImage:
    """Read a json and its image. Raises ValueError with the reason alone, without the path."""
    values = _read_json(path)
    content, suffix, source = _image(path, values)
    kind = format_of(content)
    check_whole(content, kind)
    header = read_header(content, kind)
    size = header[1::-1] if header.orientation in SIDEWAYS else header[:2]
    said = values.get('imageHeight') or size[0], values.get('imageWidth') or size[1]
    if tuple(said) != tuple(size):
        turned = f' (turned upright, as its EXIF says: {header.orientation})' if header.orientation != 1 else ''
        raise ValueError(
            f'imageHeight x imageWidth are {said[0]} x {said[1]}, and {source or "imageData"} has {size[0]} x '
            f'{size[1]} pixels{turned}. Put the image back that was annotated, or annotate this one.'
        )
    objects, left_out = _objects(values['shapes'])
    return LabelledImage(content, suffix, *size, source, objects, left_out)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'is not valid JSON: {error}') from error
    if not isinstance(values, dict) or not isinstance(values.get('shapes'), list):
        raise ValueError("is not of labelme: it has no list 'shapes'")
    return values


def _image(path: Path, values: dict[str, Any]) -> tuple[bytes, str, Path | None]:
    """Give the image's content, suffix, and path: the file if it is there, else what the json holds."""
    name = values.get('imagePath')
    if not isinstance(name, str) or not name:
        raise ValueError("has no 'imagePath'")
    posix = PureWindowsPath(name).as_posix()  # json files come from both kinds of system
    places = (path.parent / posix, path.parent / posix.rsplit('/', 1)[-1])
    for place in places:
        if place.is_file():
            return place.read_bytes(), place.suffix, place
    if not values.get('imageData'):
        raise ValueError(f'its image is not there: {places[0]}, nor does it hold one (imageData). Put it there.')
    try:
        content = base64.b64decode(values['imageData'], validate=True)
    except (ValueError, TypeError) as error:
        raise ValueError(f'imageData is not in base 64: {error}') from error
    return content, _SUFFIXES.get(format_of(content), Path(posix).suffix), None


def _objects(shapes: Sequence[Any]) -> tuple[list[LabelledObject], Counter[str]]:
    objects: list[LabelledObject] = []
    groups: dict[tuple[str, Any], LabelledObject] = {}
    left_out: Counter[str] = Counter()
    for number, shape in enumerate(shapes):
        try:
            label, group = _label(shape), shape.get('group_id')
            found = _polygons(shape)
        except ValueError as error:
            raise ValueError(f'shapes[{number}]: {error}') from error
        if isinstance(found, str):
            left_out[found] += 1
        elif group is not None and (label, group) in groups:
            groups[label, group].polygons.extend(found)
        else:
            objects.append(LabelledObject(label, found))
            groups[label, group] = objects[-1]
    return objects, left_out


def _label(shape: Any) -> str:
    if not isinstance(shape, dict):
        raise ValueError(f'is {type(shape).__name__}, not a shape')
    label = shape.get('label')
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f'its label is {label!r}. Give it one, or delete the shape.')
    group = shape.get('group_id')
    if group is not None and not isinstance(group, (int, str)):
        raise ValueError(f'its group_id is {group!r}, not a number')
    return label.strip()


def _polygons(shape: dict[str, Any]) -> list[Polygon] | str:
    """Outline a shape; for what is no region its kind."""
    kind = shape.get('shape_type') or 'polygon'  # version 3 had nothing else
    points = _points(shape)
    if kind == 'mask':
        return _mask_outlines(shape.get('mask'), points)
    if kind == 'rectangle' and len(points) == 2:
        (x1, y1), (x2, y2) = points.tolist()
        return [[x1, y1, x2, y1, x2, y2, x1, y2]]
    if kind == 'circle' and len(points) == 2:
        return [_circle(*points)]
    if kind not in ('polygon', 'rectangle', 'oriented_rectangle'):
        return str(kind)
    if len(points) < 3:
        return f'{kind} of {len(points)} point{"" if len(points) == 1 else "s"}'
    return [points.ravel().tolist()]


def _points(shape: dict[str, Any]) -> np.ndarray:
    """(N, 2) as (x, y)."""
    try:
        points = np.array(shape.get('points'), dtype=float)
    except (TypeError, ValueError):
        points = np.array(math.nan)
    if points.shape != (0,) and (points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all()):
        raise ValueError(f'its points are no list of [x, y]: {str(shape.get("points"))[:80]}')
    return points.reshape(-1, 2)


def _circle(centre: np.ndarray, on_it: np.ndarray) -> Polygon:
    radius = math.hypot(*(on_it - centre))
    step = math.acos(max(0.0, 1 - _PIXELS_OFF / max(radius, _PIXELS_OFF)))  # half the angle between corners
    angles = np.linspace(0, 2 * math.pi, max(12, math.ceil(math.pi / step)), endpoint=False)
    return (centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)).ravel().tolist()


def _mask_outlines(encoded: Any, points: np.ndarray) -> list[Polygon] | str:
    """Outline a PNG that lies between two corners."""
    if len(points) != 2:
        raise ValueError(f'a mask lies between two points; it has {len(points)}')
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)), formats=['PNG']) as image:
            mask = np.array(image.convert('L')) > 0
    except (TypeError, ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f'its mask is no PNG in base 64: {error}') from error
    if not mask.any():
        return 'mask without pixels'
    left, top = points.min(axis=0).round()
    return [(np.array(loop).reshape(-1, 2) + (left, top)).ravel().tolist() for loop in outlines(mask)]
