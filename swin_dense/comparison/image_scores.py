"""How well one run did on each image, from what its test kept: to find images that models see differently.

These scores choose pictures and explain them; what is concluded of models rests on the scores of the whole test set.
"""

from dataclasses import dataclass

import numpy as np

from swin_dense.comparison.defined_means import defined_mean
from swin_dense.evaluation.confusion import ConfusionData
from swin_dense.evaluation.match_data import MatchData

IOU = 0.5  # from which an object counts as found


@dataclass(frozen=True)
class DetectionScores:
    """Attributes:

    threshold: detections of this score and higher count; it gives the run's highest F1 over the whole test set, so
        that a model whose scores are all lower is not taken for one that finds less.
    found, false, objects: (images,) objects found, detections that are none, objects there are.
    """

    threshold: float
    found: np.ndarray
    false: np.ndarray
    objects: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """(images,) F1, from 0 to 1; 1 where there is nothing, and nothing was said."""
        return _f1(self.found, self.found + self.false, self.objects)


@dataclass(frozen=True)
class SegmentationScores:
    """Attributes:

    by_class: (images, C) IoU, NaN for a class that is neither in the image nor predicted.
    is_there: (images, C) bool, the class is in the ground truth.
    """

    by_class: np.ndarray
    is_there: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """(images,) mean IoU over the classes that are there; NaN for an image without ground truth.

        A class that is not there, and of which a few pixels were predicted, would count as a whole class of IoU 0; it
        lowers the IoU of the class that those pixels are of.
        """
        return defined_mean(np.where(self.is_there, self.by_class, np.nan), 1)


def detection_scores(data: MatchData) -> DetectionScores:
    """Count what a run found at an IoU of `IOU`, of objects of all sizes; crowds count neither way."""
    place = int(np.argmin(np.abs(data.iou_thresholds - IOU)))
    counts = ~data.ignored[:, 0, place]
    right = data.matched[:, 0, place] & counts
    objects = _summed(data.truth_images, data.truth_counts[:, 0], data)
    threshold = _best_threshold(data.scores[counts], right[counts], int(objects.sum()))
    shown = counts & (data.scores >= threshold)
    return DetectionScores(
        threshold=threshold,
        found=_summed(data.images, right & shown, data),
        false=_summed(data.images, ~right & shown, data),
        objects=objects,
    )


def segmentation_image_scores(data: ConfusionData) -> SegmentationScores:
    """IoU of each class in each image."""
    right = _pixels(data, data.truths, data.truths == data.predictions)
    true, predicted = _pixels(data, data.truths), _pixels(data, data.predictions)
    with np.errstate(invalid='ignore'):  # 0 / 0 is the NaN of a class that is nowhere
        return SegmentationScores(right / (true + predicted - right), true > 0)


def _best_threshold(scores: np.ndarray, right: np.ndarray, num_objects: int) -> float:
    """Between the last score that is still worth it and the next: repeated predictions differ in their last digits."""
    if not len(scores) or not right.any():
        return 1.0
    order = np.argsort(-scores, kind='stable')
    ordered = scores[order]
    f1 = _f1(np.cumsum(right[order]), np.arange(1, len(order) + 1), num_objects)
    f1[:-1][ordered[:-1] == ordered[1:]] = -1  # equal scores are taken together
    last = int(f1.argmax())
    return float(ordered[last] + ordered[last + 1]) / 2 if last + 1 < len(ordered) else float(ordered[last]) / 2


def _f1(found: np.ndarray, said: np.ndarray, objects: np.ndarray | int) -> np.ndarray:
    """2 TP / (2 TP + FP + FN)."""
    total = said + np.asarray(objects)
    return np.where(total > 0, 2 * found / np.maximum(total, 1), 1.0)


def _summed(images: np.ndarray, values: np.ndarray, data: MatchData) -> np.ndarray:
    return np.bincount(images, values, minlength=len(data.image_ids)).astype(np.int64)


def _pixels(data: ConfusionData, classes: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """(images, C); the label that is no class is left out."""
    side = data.num_classes + 1
    pixels = data.pixels if where is None else data.pixels * where
    counted = np.bincount(data.images * np.int64(side) + classes, pixels, minlength=len(data.image_names) * side)
    return counted.reshape(-1, side)[:, :-1]
