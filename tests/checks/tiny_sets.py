"""COCO and ADE20K in the smallest: their classes, folders and file forms, a few made images."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

_SIZE = (60, 80)  # height, width


def make_coco(root: Path, classes: tuple[str, ...], *, splits: tuple[str, ...] = ('train2017', 'val2017')) -> None:
    """Images with an object of every class, boxes and polygons, and the stuff maps that HTC reads."""
    generator = np.random.default_rng(0)
    (root / 'annotations').mkdir(parents=True)
    for number, split in enumerate(splits):
        images, annotations = [], []
        for image_id in range(1, 5):
            name = f'{number}{image_id:011d}'
            _write_image(root / split / f'{name}.jpg', generator)
            _write_mask(root / 'stuffthingmaps' / split / f'{name}.png', generator.integers(0, 183, _SIZE))
            images.append({'id': image_id, 'file_name': f'{name}.jpg', 'height': _SIZE[0], 'width': _SIZE[1]})
        for place, category in enumerate(range(1, len(classes) + 1)):
            x, y, width, height = 3 + place % 40, 4 + place % 20, 30, 25
            annotations.append({
                'id': place + 1, 'image_id': 1 + place % 4, 'category_id': category, 'iscrowd': 0,
                'bbox': [x, y, width, height], 'area': width * height,
                'segmentation': [[x, y, x + width, y, x + width, y + height, x, y + height]],
            })  # fmt: skip
        categories = [{'id': place, 'name': name} for place, name in enumerate(classes, 1)]
        content = {'images': images, 'annotations': annotations, 'categories': categories}
        (root / 'annotations' / f'instances_{split}.json').write_text(json.dumps(content))


def make_ade20k(root: Path, num_classes: int, *, first: int = 1) -> None:
    """Images and masks in which every class occurs, numbered from `first`; where that is 1, some pixels are 0."""
    generator = np.random.default_rng(1)
    for split in ('training', 'validation'):
        for number in range(4):
            name = f'{split[:-3]}_{number:04d}'
            _write_image(root / 'images' / split / f'{name}.jpg', generator)
            mask = np.arange(_SIZE[0] * _SIZE[1]).reshape(_SIZE) % num_classes + first
            mask[:2] = 0
            _write_mask(root / 'annotations' / split / f'{name}.png', mask)


def _write_image(path: Path, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(generator.integers(0, 255, (*_SIZE, 3), np.uint8)).save(path)


def _write_mask(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)
