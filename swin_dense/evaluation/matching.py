"""Match data of a COCO evaluation: its IoUs, and the greedy assignment of COCO for all sizes and thresholds at once.

The rules are those of `COCOeval.evaluateImg` (pycocotools 2.0): by falling score, each detection takes the free object
of the largest IoU, the last of equal ones; an object that counts comes before ignored ones; crowds are never used up.
Differences: sizes and thresholds are done together, and detections that overlap nothing are not looked at.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from swin_dense.evaluation.match_data import MatchData


def match_data(evaluation: Any) -> MatchData:
    """Match data of an evaluation, at the last of its `maxDets`.

    Args:
        evaluation: a `COCOeval` of pycocotools or faster-coco-eval, after `evaluate()`.
    """
    params = evaluation.params
    thresholds = np.asarray(params.iouThrs, dtype=np.float64)
    ranges = np.asarray(params.areaRng, dtype=np.float64)
    truths, found = (_by_image_and_class(api, params) for api in (evaluation.cocoGt, evaluation.cocoDt))
    detections: list[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]] = []
    objects: list[tuple[int, int, np.ndarray]] = []
    for image, image_id in enumerate(params.imgIds):
        for number, class_id in enumerate(params.catIds):
            here = truths.get((image_id, class_id), [])
            seen = found.get((image_id, class_id), [])
            if not (here or seen):
                continue
            out_of_size = _outside(here, ranges)
            crowd = np.array([bool(truth.get('iscrowd', 0)) for truth in here], dtype=bool)
            if here:
                objects.append((image, number, (~(out_of_size | crowd)).sum(axis=1)))
            if seen:
                seen = sorted(seen, key=lambda detection: -detection['score'])[: params.maxDets[-1]]
                ious = np.asarray(evaluation.ious[image_id, class_id], dtype=np.float64).reshape(len(seen), len(here))
                matched, ignored = assign(ious, ignored=out_of_size | crowd, crowd=crowd, thresholds=thresholds)
                ignored |= ~matched & _outside(seen, ranges).T[:, :, None]
                detections.append((image, number, np.array([d['score'] for d in seen]), matched, ignored))
    flags = (0, len(ranges), len(thresholds))
    sizes = [len(scores) for _, _, scores, _, _ in detections]
    return MatchData(
        kind=str(params.iouType),
        image_ids=np.asarray(params.imgIds),
        class_ids=np.asarray(params.catIds),
        iou_thresholds=thresholds,
        area_names=tuple(params.areaRngLbl),
        images=np.repeat(np.array([row[0] for row in detections], dtype=np.int32), sizes),
        classes=np.repeat(np.array([row[1] for row in detections], dtype=np.int32), sizes),
        scores=np.concatenate([np.empty(0), *(row[2] for row in detections)]),
        matched=np.concatenate([np.empty(flags, bool), *(row[3] for row in detections)]),
        ignored=np.concatenate([np.empty(flags, bool), *(row[4] for row in detections)]),
        truth_images=np.array([row[0] for row in objects], dtype=np.int32),
        truth_classes=np.array([row[1] for row in objects], dtype=np.int32),
        truth_counts=np.array([row[2] for row in objects], dtype=np.int32).reshape(-1, len(ranges)),
    )


def assign(
    ious: np.ndarray, *, ignored: np.ndarray, crowd: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Assign the objects of one image and class to its detections.

    Args:
        ious: (detections, objects), detections by falling score.
        ignored: (areas, objects), objects that do not count in an area range.
        crowd: (objects,)
        thresholds: (T,)

    Returns:
        matched: (detections, areas, T) bool
        ignored: (detections, areas, T) bool, matched to an object that does not count.
    """
    shape = (len(ious), len(ignored), len(thresholds))
    matched, to_ignored = np.zeros(shape, bool), np.zeros(shape, bool)
    if not ious.size:
        return matched, to_ignored
    limits = np.minimum(thresholds, 1 - 1e-10)
    taken = np.zeros((*shape[1:], ious.shape[1]), bool)
    counts = ~ignored[:, None, :]
    for number in np.flatnonzero(ious.max(axis=1) >= limits.min()):
        free = (~taken | crowd) & (ious[number] >= limits[:, None])
        real = free & counts
        candidates = np.where(real.any(axis=2, keepdims=True), real, free)
        values = np.where(candidates, ious[number], -1.0)
        best = values.shape[2] - 1 - values[:, :, ::-1].argmax(axis=2)  # the last of equal ones
        hit = candidates.any(axis=2)
        area, threshold = np.nonzero(hit)
        taken[area, threshold, best[hit]] = True
        matched[number] = hit
        to_ignored[number] = hit & np.take_along_axis(ignored, best, axis=1)
    return matched, to_ignored


def _by_image_and_class(api: Any, params: Any) -> Mapping[tuple, list[dict]]:
    """Annotations in the order in which the evaluation has them, which decides between equal scores and IoUs."""
    groups = defaultdict(list)
    for annotation in api.loadAnns(api.getAnnIds(imgIds=params.imgIds, catIds=params.catIds)):
        groups[annotation['image_id'], annotation['category_id']].append(annotation)
    return groups


def _outside(annotations: Sequence[dict], ranges: np.ndarray) -> np.ndarray:
    """(areas, annotations) bool: the area is not in the range, whose ends belong to it."""
    areas = np.array([annotation['area'] for annotation in annotations], dtype=np.float64)
    return (areas < ranges[:, :1]) | (areas > ranges[:, 1:])
