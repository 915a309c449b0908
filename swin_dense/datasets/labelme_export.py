"""Writes a folder of labelme's json files as the data set that configs/templates/ read: COCO json, or index masks.

    OUT/annotations/instances_train.json, instances_val.json    or    OUT/annotations/training/, validation/ *.png
    OUT/train/, val/                                                  OUT/images/training/, validation/

Files keep the names and sub-folders of their json. All of OUT appears at the end, or nothing.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as run_length
from tqdm import tqdm

from swin_dense.datasets.labelme import LabelledImage, Polygon, read_labelme

BACKGROUND, IGNORED = '_background_', '__ignore__'  # labelme's own names for what is no object
_OUTSIDE = 'shape without a pixel in the image'
_NUM_VALUES = 255  # of a mask, beside the one for ignored pixels


@dataclass
class Conversion:
    """What was written.

    Attributes:
        classes: names, in the order of their numbers (from 0).
        num_images: of each split.
        num_objects: of each split and class.
        left_out: number of shapes by kind that the data set does not hold: lines, points.
        failed: (path of a json, reason) of those that were not converted.
    """

    classes: list[str] = field(default_factory=list)
    num_images: dict[str, int] = field(default_factory=dict)
    num_objects: dict[str, Counter[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Item:
    """An image that lies in the draft: its name there, its size, and (label, polygons, run lengths) of its objects."""

    name: str
    height: int
    width: int
    objects: list[tuple[str, list[Polygon], dict[str, Any]]]


def convert_labelme(
    folder: Path, out: Path, *, val_share: float = 0.2, seed: int = 0, masks: bool = False, show_progress: bool = False
) -> Conversion:
    """Convert all json files below `folder`; what cannot be is in `failed`.

    Args:
        out: new or empty folder.
        val_share: of the images that go to the val set, 0 to 1, not 1. Which ones depends on names and seed alone, so
            that images stay in their set when others are added (but for as many as the share then asks for).
        masks: write masks of class numbers, 0 for the background, in place of COCO json.

    Raises: ValueError, FileNotFoundError where nothing can be converted.
    """
    if not 0 <= val_share < 1:
        raise ValueError(f'--val-share is a share of the images, from 0 to below 1; got {val_share:g}.')
    paths = _json_files(folder)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f'{out} exists and is not an empty folder. Choose another name, or delete it.')
    done = Conversion()
    with _draft(out) as draft:
        items = list(_read_all(folder, paths, draft / 'unsorted', done, show_progress))
        if not items:
            reasons = '; '.join(f'{path} {reason}' for path, reason in done.failed[:3])
            raise ValueError(f'none of the {len(paths)} json files below {folder} can be converted: {reasons}')
        done.classes = _classes(items, masks)
        _write_sets(draft, _split(items, val_share, seed), done, masks)
        shutil.rmtree(draft / 'unsorted')  # empty folders
    return done


def _json_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f'there is no folder {str(folder)!r} (looked from {Path.cwd()})')
    paths = sorted(path for path in folder.rglob('*.json') if path.is_file())
    if not paths:
        raise ValueError(f'{folder} and its sub-folders have no json files. labelme writes one beside each image.')
    return paths


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """A folder that becomes `out` when the block ends without an exception, and vanishes otherwise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.parent / f'.{out.name}.{os.getpid()}'
    try:
        draft.mkdir()
        yield draft
        draft.replace(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _read_all(folder: Path, paths: Sequence[Path], unsorted: Path, done: Conversion, show: bool) -> Iterator[_Item]:
    sources: dict[Path, Path] = {}
    for path in tqdm(paths, 'labelme', unit='file', disable=not show, dynamic_ncols=True):
        try:
            image = read_labelme(path)
            source = image.source and image.source.resolve()
            if source and sources.setdefault(source, path) != path:
                raise ValueError(f'names the image of {sources[source]}, too: {source}. Keep one of them.')
        except (OSError, ValueError) as error:
            done.failed.append((str(path), str(error)))
            continue
        name = path.relative_to(folder).with_suffix(image.suffix).as_posix()
        (unsorted / name).parent.mkdir(parents=True, exist_ok=True)
        (unsorted / name).write_bytes(image.content)
        objects = list(_rasterised(image, done.left_out))
        done.left_out += image.left_out
        yield _Item(name, image.height, image.width, objects)


def _rasterised(image: LabelledImage, left_out: Counter[str]) -> Iterator[tuple[str, list[Polygon], dict[str, Any]]]:
    for each in image.objects:
        polygons = [[round(value, 2) for value in polygon] for polygon in each.polygons]
        run_lengths = run_length.merge(run_length.frPyObjects(polygons, image.height, image.width))
        if run_length.area(run_lengths):
            yield each.label, polygons, run_lengths
        else:
            left_out[_OUTSIDE] += 1


def _classes(items: Sequence[_Item], masks: bool) -> list[str]:
    names = {label for item in items for label, _, _ in item.objects} - {BACKGROUND, IGNORED}
    if not names:
        raise ValueError('no shape has a label that is a class: there is nothing to learn.')
    if not masks:
        return sorted(names)
    if len(names) + 1 > _NUM_VALUES:
        raise ValueError(f'masks hold {_NUM_VALUES} classes with the background; there are {len(names)} labels.')
    if with_comma := sorted(name for name in names if ',' in name):
        raise ValueError(f'the variable CLASSES of the template divides names by commas; rename {with_comma}.')
    return ['background', *sorted(names - {'background'})]


def _split(items: Sequence[_Item], val_share: float, seed: int) -> dict[str, list[_Item]]:
    """Give whole images to `train` and `val`."""
    order = sorted(
        items, key=lambda item: hashlib.sha256(f'{seed}:{Path(item.name).with_suffix("")}'.encode()).digest()
    )
    count = round(len(items) * val_share)
    if val_share and len(items) > 1:
        count = min(max(count, 1), len(items) - 1)
    chosen = {item.name for item in order[:count]}
    return {
        'train': [item for item in items if item.name not in chosen],
        'val': [item for item in items if item.name in chosen],
    }


def _write_sets(draft: Path, sets: dict[str, list[_Item]], done: Conversion, masks: bool) -> None:
    next_ids = [1, 1]  # of images and annotations: unique over both sets
    for split, items in sets.items():
        if not items:
            continue
        long_name = {'train': 'training', 'val': 'validation'}[split]
        pictures = draft / 'images' / long_name if masks else draft / split
        for item in items:
            (pictures / item.name).parent.mkdir(parents=True, exist_ok=True)
            (draft / 'unsorted' / item.name).replace(pictures / item.name)
        if masks:
            _write_masks(draft / 'annotations' / long_name, items, done.classes)
        else:
            (draft / 'annotations').mkdir(exist_ok=True)
            content = json.dumps(_coco(items, done, next_ids), separators=(',', ':'), ensure_ascii=False)
            (draft / 'annotations' / f'instances_{split}.json').write_text(content, encoding='utf-8')
        done.num_images[split] = len(items)
        done.num_objects[split] = Counter(label for item in items for label, _, _ in item.objects)


def _coco(items: Sequence[_Item], done: Conversion, next_ids: list[int]) -> dict[str, Any]:
    numbers = {name: number for number, name in enumerate(done.classes, 1)}
    images, annotations = [], []
    for item in items:
        images.append({'id': next_ids[0], 'file_name': item.name, 'height': item.height, 'width': item.width})
        for label, polygons, run_lengths in item.objects:
            if label not in numbers:
                done.left_out[f'{label} (not in COCO json)'] += 1
                continue
            annotations.append({
                'id': next_ids[1], 'image_id': next_ids[0], 'category_id': numbers[label], 'iscrowd': 0,
                'bbox': _box(polygons, item), 'area': int(run_length.area(run_lengths)), 'segmentation': polygons,
            })  # fmt: skip
            next_ids[1] += 1
        next_ids[0] += 1
    categories = [{'id': number, 'name': name} for name, number in numbers.items()]
    return {'images': images, 'annotations': annotations, 'categories': categories}


def _box(polygons: Sequence[Polygon], item: _Item) -> list[float]:
    """[left, top, width, height] in pixels, inside the image."""
    points = np.concatenate([np.reshape(polygon, (-1, 2)) for polygon in polygons])
    points = points.clip(0, (item.width, item.height))
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return [round(float(value), 2) for value in (left, top, right - left, bottom - top)]


def _write_masks(folder: Path, items: Sequence[_Item], classes: Sequence[str]) -> None:
    values = {BACKGROUND: 0, IGNORED: 255, **{name: value for value, name in enumerate(classes)}}
    for item in items:
        mask = np.zeros((item.height, item.width), np.uint8)
        for label, _, run_lengths in item.objects:  # what was drawn later lies above
            mask[run_length.decode(run_lengths) > 0] = values[label]
        path = (folder / item.name).with_suffix('.png')
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
