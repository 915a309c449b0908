"""The numbers that COCO's summary gives, for any multisets of the images."""

import numpy as np

from swin_dense.comparison.average_precision import average_precisions
from swin_dense.comparison.defined_means import defined_mean
from swin_dense.evaluation.match_data import MatchData

SIZES = {'mAP_s': 'small', 'mAP_m': 'medium', 'mAP_l': 'large'}
THRESHOLDS = {'mAP_50': 0.5, 'mAP_75': 0.75}


def coco_scores(data: MatchData, weights: np.ndarray) -> dict[str, np.ndarray]:
    """mAP, mAP_50, mAP_75, mAP_s, mAP_m, mAP_l: (B,) each, and AP_by_class: (B, classes).

    Args:
        weights: (B, images); a row of ones is the sample itself.

    Returns:
        Values from 0 to 1; NaN where there is no object (pycocotools says -1).
    """
    precisions = average_precisions(data, weights)  # (B, C, A, T)
    scores = {'mAP': defined_mean(precisions[:, :, 0], (1, 2))}
    for name, threshold in THRESHOLDS.items():
        scores[name] = defined_mean(precisions[:, :, 0, np.isclose(data.iou_thresholds, threshold)], (1, 2))
    for name, size in SIZES.items():
        scores[name] = defined_mean(precisions[:, :, [area == size for area in data.area_names]], (1, 2, 3))
    return {**scores, 'AP_by_class': defined_mean(precisions[:, :, 0], 2)}
