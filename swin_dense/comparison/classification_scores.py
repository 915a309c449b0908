"""Top-1, top-5 and mean class accuracy of class data, for any multisets of the images.

Legend: B weightings, C classes, N images.
"""

import numpy as np

from swin_dense.comparison.defined_means import defined_mean
from swin_dense.evaluation.class_data import ClassData

TOPK = 5


def classification_scores(data: ClassData, weights: np.ndarray) -> dict[str, np.ndarray]:
    """top1, top5 (where there are more classes than 5), mean_class: (B,) each; Acc_by_class: (B, C).

    Args:
        weights: (B, N), not negative; whole numbers are copies, a row of ones is the sample itself.

    Returns:
        Values from 0 to 1; NaN for a class without an image, which the mean leaves out.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(data.labels):
        raise ValueError(
            f'weights of images are (weightings, images), with {len(data.labels)} images, not {weights.shape}.'
        )
    right = data.ranks == 0
    of_class = np.eye(data.num_classes)[data.labels]  # (N, C)
    with np.errstate(invalid='ignore'):  # 0 / 0 is the NaN of a class without an image
        accuracies = (weights @ (of_class * right[:, None])) / (weights @ of_class)
    total = weights.sum(axis=1)
    found = {'top1': weights @ right / total}
    if data.num_classes > TOPK:
        found[f'top{TOPK}'] = weights @ (data.ranks < TOPK) / total
    return {**found, 'mean_class': defined_mean(accuracies, 1), 'Acc_by_class': accuracies}
