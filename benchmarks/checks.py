"""How long the checks of tools/check.py take: images or pairs a second at the full level, seconds at the quick one.

Pictures are generated (smooth shapes with noise, JPEG of quality 90), and nothing is in the cache of earlier scans.

examples:
  python benchmarks/checks.py                                           1000 pictures of 512 x 512, both tasks
  python benchmarks/checks.py --tasks detection --images 5000 --rounds 1
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from mmengine.config import Config

from benchmarks.backbones import append_row, environment
from swin_dense.checks.dataset_configs import SPLITS
from swin_dense.checks.detection import check_detection_data
from swin_dense.checks.findings import Depth
from swin_dense.checks.segmentation import check_segmentation_data

CLASSES = ('a', 'b', 'c', 'd')
CHECKS = {'detection': check_detection_data, 'segmentation': check_segmentation_data}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--tasks', nargs='+', default=list(CHECKS), choices=CHECKS)
    parser.add_argument('--images', type=int, default=1000)
    parser.add_argument('--side', type=int, default=512)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--out', type=Path, help='append a JSON line for each row to this file')
    arguments = parser.parse_args()
    arguments.device, arguments.threads, arguments.clock = 'cpu', os.cpu_count(), 'wall'
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configs = make_data(folder, num_images=arguments.images, side=arguments.side)
        for task in arguments.tasks:
            row = {'benchmark': 'checks', 'task': task, 'images': arguments.images, 'side': arguments.side}
            row |= measured(task, configs[task], folder, rounds=arguments.rounds, num_images=arguments.images)
            print(row, flush=True)
            append_row({**row, **environment(arguments)}, arguments.out)


def measured(task: str, cfg: Config, folder: Path, *, rounds: int, num_images: int) -> dict[str, Any]:
    seconds: dict[Depth, list[float]] = {'quick': [], 'full': []}
    for number in range(rounds):
        for depth, times in seconds.items():
            with empty_cache(folder / f'{task}_{number}_{depth}'):
                start = time.perf_counter()
                errors = [each.text() for each in CHECKS[task](cfg, SPLITS, depth) if each.level == 'error']
                times.append(time.perf_counter() - start)
            if errors:
                raise RuntimeError('the generated data has faults:\n' + '\n'.join(errors))
    rates = [num_images / each for each in seconds['full']]
    return {
        'images_per_s': round(statistics.median(rates), 1),
        'images_per_s_min': round(min(rates), 1),
        'images_per_s_max': round(max(rates), 1),
        'quick_s': round(statistics.median(seconds['quick']), 2),
        'rounds': rounds,
    }


@contextmanager
def empty_cache(folder: Path) -> Iterator[None]:
    before = os.environ.get('SWIN_DENSE_HOME')
    os.environ['SWIN_DENSE_HOME'] = str(folder)
    try:
        yield
    finally:
        del os.environ['SWIN_DENSE_HOME']
        if before is not None:
            os.environ['SWIN_DENSE_HOME'] = before


def make_data(folder: Path, *, num_images: int, side: int) -> dict[str, Config]:
    """Write pictures with a box and a mask each; gives the configs whose train set they are."""
    for part in ('images', 'masks'):
        (folder / part).mkdir()
    with ThreadPoolExecutor() as pool:
        boxes = list(pool.map(lambda number: _write_picture(folder, number, side), range(num_images)))
    _write_json(folder / 'train.json', boxes, side)
    detection = {
        'type': 'swin_dense.CocoDataset', 'ann_file': str(folder / 'train.json'), 'pipeline': DETECTION_PIPELINE,
        'data_prefix': {'img': str(folder / 'images')}, 'metainfo': {'classes': CLASSES},
    }  # fmt: skip
    segmentation = {
        'type': 'swin_dense.SegmentationDataset', 'metainfo': {'classes': CLASSES}, 'pipeline': SEGMENTATION_PIPELINE,
        'data_prefix': {'img_path': str(folder / 'images'), 'seg_map_path': str(folder / 'masks')},
    }  # fmt: skip
    return {
        'detection': Config({'default_scope': 'mmdet', 'train_dataloader': {'dataset': detection}}),
        'segmentation': Config({'default_scope': 'mmseg', 'train_dataloader': {'dataset': segmentation}}),
    }


DETECTION_PIPELINE = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadAnnotations', 'with_bbox': True, 'with_mask': True},
    {'type': 'PackDetInputs'},
]
SEGMENTATION_PIPELINE = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, {'type': 'PackSegInputs'}]


def _write_picture(folder: Path, number: int, side: int) -> list[int]:
    random = np.random.default_rng(number)
    picture = cv2.resize(
        random.integers(0, 256, (8, 8, 3), dtype=np.uint8), (side, side), interpolation=cv2.INTER_CUBIC
    )
    picture = np.clip(picture + random.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
    x, y, w, h = (*random.integers(0, side // 2, 2).tolist(), *random.integers(side // 8, side // 2, 2).tolist())
    cv2.rectangle(picture, (x, y), (x + w - 1, y + h - 1), random.integers(0, 256, 3).tolist(), -1)
    mask = cv2.resize(random.integers(0, 4, (8, 8), dtype=np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(folder / 'images' / f'{number:06}.jpg'), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    cv2.imwrite(str(folder / 'masks' / f'{number:06}.png'), mask)
    return [x, y, w, h]


def _write_json(path: Path, boxes: list[list[int]], side: int) -> None:
    annotations = []
    for number, (x, y, w, h) in enumerate(boxes):
        outline = [x, y, x + w, y, x + w, y + h, x, y + h]
        annotations.append(
            {
                'id': number + 1, 'image_id': number, 'category_id': number % len(CLASSES), 'iscrowd': 0,
                'bbox': [x, y, w, h], 'area': w * h, 'segmentation': [outline],
            }
        )  # fmt: skip
    images = [
        {'id': number, 'file_name': f'{number:06}.jpg', 'height': side, 'width': side} for number in range(len(boxes))
    ]
    categories = [{'id': number, 'name': name} for number, name in enumerate(CLASSES)]
    path.write_text(json.dumps({'images': images, 'annotations': annotations, 'categories': categories}))


if __name__ == '__main__':
    main()
