"""mIoU, mAcc and aAcc of confusion data, for any multisets of the images.

Equal to mmseg's IoUMetric on the sample, but from 0 to 1, not rounded, and exact beyond the 2^24 pixels to which its
float32 counts are. Legend: B weightings, C classes.
"""

import numpy as np

from swin_dense.comparison.defined_means import defined_mean
from swin_dense.evaluation.confusion import ConfusionData


def segmentation_scores(data: ConfusionData, weights: np.ndarray) -> dict[str, np.ndarray]:
    """mIoU, mAcc, aAcc: (B,) each; IoU_by_class, Acc_by_class: (B, C).

    Args:
        weights: (B, images), not negative; whole numbers are copies, a row of ones is the sample itself.

    Returns:
        Values from 0 to 1; NaN for a class that is in no image, which a mean leaves out.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(data.image_names):
        raise ValueError(
            f'weights of images are (weightings, images), with {len(data.image_names)} images, not {weights.shape}.'
        )
    right = weights @ _areas(data, data.truths, data.truths == data.predictions)
    true = weights @ _areas(data, data.truths)
    predicted = weights @ _areas(data, data.predictions)
    with np.errstate(invalid='ignore'):  # 0 / 0 is the NaN of a class that is in no image
        iou, accuracy = right / (true + predicted - right), right / true
        overall = right.sum(axis=1) / true.sum(axis=1)
    return {
        'mIoU': defined_mean(iou, 1),
        'mAcc': defined_mean(accuracy, 1),
        'aAcc': overall,
        'IoU_by_class': iou,
        'Acc_by_class': accuracy,
    }


def _areas(data: ConfusionData, classes: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """(images, C) pixels by class, of the cells `where`."""
    side = data.num_classes + 1
    pixels = data.pixels if where is None else data.pixels * where
    areas = np.bincount(data.images * np.int64(side) + classes, pixels, minlength=len(data.image_names) * side)
    return areas.reshape(-1, side)[:, :-1]
