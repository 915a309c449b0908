"""How often the intervals of swin_dense.comparison contain the truth, in simulated comparisons with known truth.

Each row is a case (score, images, seeds of each model, spread of seeds, classes): shares of the simulations in which
the 95 % interval of one model's score, and of the difference of two, contain the truth; in which a model and itself,
trained again, come out not distinguishable; and in which a model that is better by the difference given is found so.

examples:
  python benchmarks/intervals.py                              all cases, 1000 simulations each (half an hour on a core)
  python benchmarks/intervals.py --simulations 200 --scores mIoU
  python benchmarks/intervals.py --time                       seconds of 1000 resamples of a test set of COCO's size
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from swin_dense.comparison.coco_scores import coco_scores
from swin_dense.comparison.resampling import image_weights
from swin_dense.evaluation.match_data import MatchData
from tests.comparison.simulated_comparisons import simulated

RARE = (0.5, 0.3, 0.1, 0.04, 0.03, 0.01, 0.01, 0.01)  # the last in about 3 of 100 images
CASES: dict[str, dict[str, Any]] = {
    '100 images': {},
    '100 images, little spread of seeds': {'seed_spread': 0.03},
    '400 images': {'num_images': 400},
    '30 images': {'num_images': 30},
    '100 images, rare classes': {'class_shares': RARE},
}
COLUMNS = ('one model covers', 'difference covers', 'same model not distinguishable', 'better found', 'true difference')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--simulations', type=int, default=1000)
    parser.add_argument('--scores', nargs='+', default=['mAP', 'mIoU'], choices=['mAP', 'mIoU'])
    parser.add_argument('--seeds', nargs='+', type=int, default=[2, 3, 5])
    parser.add_argument('--time', action='store_true', help='time resamples of a large test set instead')
    args = parser.parse_args()
    if args.time:
        print_time()
        return
    print(f'| score | case | seeds | {" | ".join(COLUMNS)} |\n|{"---|" * (3 + len(COLUMNS))}')
    for score in args.scores:
        for name, case in CASES.items():
            for seeds, rates in simulated(score, args.simulations, seeds=args.seeds, **case).items():
                row = ' | '.join(f'{rates[column]:.3f}' for column in COLUMNS)
                print(f'| {score} | {name} | {seeds} | {row} |', flush=True)


def print_time(resamples: int = 1000) -> None:
    data = large_match_data()
    weights = image_weights(len(data.image_ids), resamples)
    start = time.perf_counter()
    coco_scores(data, weights)
    seconds = time.perf_counter() - start
    print(f'{len(data.scores)} detections in {len(data.image_ids)} images: {seconds:.1f} s for {resamples} resamples')


def large_match_data(
    images: int = 5000, detections: int = 500_000, classes: int = 80, objects: int = 36_000
) -> MatchData:
    """Of the size of COCO's val2017: as many detections as a detector may give, four of five objects found."""
    random = np.random.default_rng(0)
    thresholds = np.linspace(0.5, 0.95, 10)
    shares = 1 / np.arange(1, classes + 1) ** 0.9
    shares /= shares.sum()
    sizes = random.choice(3, detections, p=(0.45, 0.33, 0.22))
    found = random.random(detections) < 0.8 * objects / detections
    ious = np.where(found, 0.4 + 0.6 * random.beta(4, 1.5, detections), 0)
    matched = np.repeat((ious[:, None] >= thresholds)[:, None], 4, axis=1)
    ignored = np.zeros_like(matched)
    ignored[:, 1:] = (sizes[:, None] != np.arange(3))[:, :, None]
    truth_sizes = random.choice(3, objects, p=(0.41, 0.34, 0.25))
    return MatchData(
        kind='bbox',
        image_ids=np.arange(images),
        class_ids=np.arange(classes),
        iou_thresholds=thresholds,
        area_names=('all', 'small', 'medium', 'large'),
        images=np.sort(random.integers(0, images, detections)),
        classes=random.choice(classes, detections, p=shares),
        scores=np.where(found, random.beta(3, 2, detections), random.beta(0.3, 4, detections)),
        matched=matched,
        ignored=ignored,
        truth_images=random.integers(0, images, objects),
        truth_classes=random.choice(classes, objects, p=shares),
        truth_counts=np.stack([np.ones(objects, int), *(truth_sizes == size for size in range(3))], axis=1),
    )


if __name__ == '__main__':
    main()
