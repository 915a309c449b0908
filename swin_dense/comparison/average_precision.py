"""Average precision of COCO on weighted images: weight k is an image that counts k times.

A class's detections are sorted once; another multiset of images only changes how often each counts. A run of copies of
one detection ends in the same point of the curve as one detection of that weight, and points within the run never
matter: precision only rises within a run of hits, and recall does not change within a run of misses. Only hits carry
new recalls, so only their points are computed: false positives up to a hit are all detections of the size up to it,
less the matched ones. (Of equal scores in a repeated image, pycocotools takes one copy of the image after the other,
this takes the copies of one detection after those of the other.)

Legend: B weightings, N images, D detections, P points, C classes, A area ranges, T IoU thresholds.

Source: `COCOeval.accumulate` of pycocotools 2.0, 101 recalls, precision made monotonic.
"""

from collections.abc import Iterator

import numpy as np

from swin_dense.evaluation.match_data import MatchData

RECALLS = np.linspace(0, 1, 101)
_POINTS_AT_ONCE = 200_000  # a few arrays of this many float64 stay in a core's cache


def average_precisions(data: MatchData, weights: np.ndarray) -> np.ndarray:
    """AP by class, size and threshold, for each weighting of the images.

    Args:
        weights: (B, N), not negative; whole numbers are copies.

    Returns:
        (B, C, A, T) float64, NaN where a class has no object of the size.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(data.image_ids):
        raise ValueError(
            f'weights of images are (weightings, images), with {len(data.image_ids)} images, not {weights.shape}.'
        )
    shape = (len(weights), len(data.class_ids), len(data.area_names), len(data.iou_thresholds))
    precisions = np.full(shape, np.nan)
    for number, rows in _rows_of_classes(data):
        truths = np.flatnonzero(data.truth_classes == number)
        if not len(truths):
            continue
        objects = weights[:, data.truth_images[truths]] @ data.truth_counts[truths].astype(np.float64)  # (B, A)
        step = int(np.clip(_POINTS_AT_ONCE // max(len(rows), 1), 4, 512))
        curves = [_Curves(data, rows, area) for area in range(shape[2])]
        for start in range(0, len(weights), step):
            part = slice(start, start + step)
            for area, curve in enumerate(curves):
                precisions[part, number, area] = curve.precisions(weights[part], objects[part, area])
    return precisions


def _rows_of_classes(data: MatchData) -> Iterator[tuple[int, np.ndarray]]:
    """Each class with its detections by falling score; equal scores in the order of the images."""
    order = np.lexsort((-data.scores, data.classes))
    ends = np.searchsorted(data.classes[order], np.arange(len(data.class_ids) + 1))
    for number in range(len(data.class_ids)):
        yield number, order[ends[number] : ends[number + 1]]


class _Curves:
    """The curves of one class and size, for all IoU thresholds.

    `rows` are the class's detections by falling score.
    """

    def __init__(self, data: MatchData, rows: np.ndarray, area: int) -> None:
        matched, ignored = data.matched[rows, area], data.ignored[rows, area]  # (D, T)
        # an unmatched detection is ignored for its own size, whatever the threshold
        in_size = ~(~matched & ignored).any(axis=1)
        self._images = data.images[rows[in_size]]
        places = np.cumsum(in_size)  # 1 + place among those of the size
        self._points = []
        for threshold in range(matched.shape[1]):
            hit = matched[:, threshold] & ~ignored[:, threshold]
            # beside the hits: what is among those of the size, but is neither a hit nor a miss
            points = np.flatnonzero(hit | (matched[:, threshold] & in_size))
            self._points.append((data.images[rows[points]], hit[points], in_size[points], places[points]))

    def precisions(self, weights: np.ndarray, objects: np.ndarray) -> np.ndarray:
        """(B, T) average precisions from (B, N) weights and the (B,) weighted numbers of objects."""
        counted = np.zeros((len(weights), len(self._images) + 1))
        np.cumsum(weights[:, self._images], axis=1, out=counted[:, 1:])
        columns = [self._precision(weights, objects, counted, *points) for points in self._points]
        return np.stack(columns, axis=1)

    def _precision(
        self,
        weights: np.ndarray,
        objects: np.ndarray,
        counted: np.ndarray,
        images: np.ndarray,
        hit: np.ndarray,
        in_size: np.ndarray,
        places: np.ndarray,
    ) -> np.ndarray:
        some = objects > 0
        if not len(images):
            return np.where(some, 0.0, np.nan)
        copies = weights[:, images]  # (B, P)
        hits = np.cumsum(copies * hit, axis=1)
        misses = counted[:, places] - np.cumsum(copies * in_size, axis=1)
        precision = hits / (hits + misses + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = hits / np.where(some, objects, np.inf)[:, None]
        reached = np.searchsorted(RECALLS, recall, side='right')  # the recalls up to this point's
        newly = np.diff(reached, axis=1, prepend=0)
        return np.where(some, (precision * newly).sum(axis=1) / len(RECALLS), np.nan)
