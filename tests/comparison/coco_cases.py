"""Small COCO data sets with detections, drawn to hit the corners of the evaluation, and pycocotools' word on them."""

import contextlib
import io
from typing import Any

import numpy as np
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIDE = 200  # of the images: objects are small, medium and large


def random_case(
    seed: int,
    *,
    num_images: int = 12,
    num_classes: int = 4,
    detections_per_image: int = 30,
    crowd_share: float = 0.15,
    scores: int | None = None,
) -> tuple[dict, list[dict]]:
    """A COCO json and detections, near objects or anywhere; `scores`: from how many values (None: all differ)."""
    random = np.random.default_rng(seed)
    images = [{'id': 7 * i + 3, 'height': SIDE, 'width': SIDE} for i in range(num_images)]
    classes = [{'id': 5 * i + 2, 'name': f'class {i}'} for i in range(num_classes)]
    annotations, detections = [], []
    for image in images[:-1]:  # the last has no object
        boxes = [_box(random) for _ in range(random.integers(0, 9))]
        for box in boxes:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image['id'],
                    'category_id': classes[random.integers(0, num_classes - 1)]['id'],  # the last class has no object
                    'bbox': box,
                    'segmentation': _ellipse(box),
                    'area': float(rle.area(_ellipse(box))),
                    'iscrowd': int(random.random() < crowd_share),
                }
            )
    for image in images[1:]:  # the first has no detection
        near = [a for a in annotations if a['image_id'] == image['id']]
        for _ in range(detections_per_image):
            like = near[random.integers(len(near))] if near and random.random() < 0.7 else None
            box = _box(random) if like is None else _moved(like['bbox'], random)
            same = like is not None and random.random() < 0.85
            detections.append(
                {
                    'image_id': image['id'],
                    'category_id': like['category_id'] if same else classes[random.integers(num_classes)]['id'],
                    'bbox': box,
                    'segmentation': _ellipse(box),
                    'score': float(random.random() if scores is None else random.integers(1, scores + 1) / scores),
                }
            )
    return {'images': images, 'categories': classes, 'annotations': annotations}, detections


def repeated(content: dict, detections: list[dict], counts: np.ndarray) -> tuple[dict, list[dict]]:
    """The data set in which image i is `counts[i]` images."""
    images, annotations, found = [], [], []
    for image, count in zip(content['images'], counts, strict=True):
        for _ in range(count):
            new = len(images) + 1
            images.append({**image, 'id': new})
            for annotation in content['annotations']:
                if annotation['image_id'] == image['id']:
                    annotations.append({**annotation, 'id': len(annotations) + 1, 'image_id': new})
            found += [{**d, 'image_id': new} for d in detections if d['image_id'] == image['id']]
    return {**content, 'images': images, 'annotations': annotations}, found


def evaluated(content: dict, detections: list[dict], kind: str, max_detections: int = 100) -> Any:
    """pycocotools' evaluation, accumulated."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        fields = ('image_id', 'category_id', 'score', 'bbox' if kind == 'bbox' else 'segmentation')
        found = truth.loadRes([{name: d[name] for name in fields} for d in detections]) if detections else COCO()
        evaluation = COCOeval(truth, found, kind)
        evaluation.params.maxDets = [1, 10, max_detections]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def precisions_of(evaluation: Any) -> np.ndarray:
    """(classes, areas, thresholds) AP of an accumulated evaluation, NaN where there is none."""
    curves = evaluation.eval['precision'][..., -1].copy()  # (thresholds, recalls, classes, areas)
    curves[curves == -1] = np.nan
    return curves.mean(axis=1).transpose(1, 2, 0)


def _box(random: np.random.Generator) -> list[float]:
    width, height = 5 + 150 * random.random(2) ** 2
    x, y = random.random(2) * (SIDE - width, SIDE - height)
    return [float(x), float(y), float(width), float(height)]


def _moved(box: list[float], random: np.random.Generator) -> list[float]:
    x, y, width, height = box
    shift = random.normal(0, random.choice([0, 0.03, 0.15]), 4)
    return [
        float(np.clip(x + shift[0] * width, 0, SIDE - 3)),
        float(np.clip(y + shift[1] * height, 0, SIDE - 3)),
        float(width * np.exp(shift[2])),
        float(height * np.exp(shift[3])),
    ]


def _ellipse(box: list[float]) -> dict:
    x, y, width, height = box
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    inside = ((columns - x) / width * 2 - 1) ** 2 + ((rows - y) / height * 2 - 1) ** 2 <= 1
    return rle.encode(np.asfortranarray(inside.astype(np.uint8)))
