"""Confusion matrices image by image: enough to have mIoU, mAcc and aAcc for any multiset of the images.

Of the (classes + 1)^2 numbers of an image's matrix few are not 0: only those are kept. The last row and column stand
for labels that are no class: a ground truth out of range (but not the ignored label), or a prediction out of range.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from swin_dense.evaluation.array_files import load_arrays, save_arrays

_CONTENT = 'confusion data of version 1'


@dataclass(frozen=True, kw_only=True)
class ConfusionData:
    """Pixels of each image by true and predicted class.

    Args:
        image_names: (images,) str
        num_classes: C; C itself is the label that is no class.
        images: (cells,) int, places in image_names, ascending.
        truths: (cells,) int from 0 to C
        predictions: (cells,) int from 0 to C
        pixels: (cells,) int64, positive.
    """

    image_names: np.ndarray
    num_classes: int
    images: np.ndarray
    truths: np.ndarray
    predictions: np.ndarray
    pixels: np.ndarray


def image_confusion(prediction: np.ndarray, truth: np.ndarray, *, num_classes: int, ignore_index: int) -> np.ndarray:
    """Cells of one image's confusion matrix that are not 0.

    Args:
        prediction, truth: (H, W) int labels.
        ignore_index: pixels of this true label do not count.

    Returns:
        (3, cells) int64: true class, predicted class, pixels.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f'a prediction of {prediction.shape} cannot be compared with a truth of {truth.shape}.')
    counts = truth != ignore_index
    labels = [labels[counts].astype(np.int64) for labels in (truth, prediction)]
    side = num_classes + 1
    true, predicted = (np.where((part >= 0) & (part < num_classes), part, num_classes) for part in labels)
    matrix = np.bincount(true * side + predicted, minlength=side * side)
    cells = np.flatnonzero(matrix)
    return np.stack([cells // side, cells % side, matrix[cells]])


def confusion_data(images: Iterable[tuple[str, np.ndarray]], num_classes: int) -> ConfusionData:
    """Join the names and cells (`image_confusion`) of images."""
    rows = list(images)
    cells = np.concatenate([np.empty((3, 0), dtype=np.int64), *(part for _, part in rows)], axis=1)
    return ConfusionData(
        image_names=np.array([name for name, _ in rows], dtype=np.str_),
        num_classes=num_classes,
        images=np.repeat(np.arange(len(rows), dtype=np.int32), [part.shape[1] for _, part in rows]),
        truths=cells[0].astype(np.int32),
        predictions=cells[1].astype(np.int32),
        pixels=cells[2],
    )


def save_confusion_data(data: ConfusionData, path: str | Path) -> None:
    """Replace the .npz file `path`."""
    save_arrays(path, _CONTENT, {name: np.asarray(value) for name, value in vars(data).items()})


def load_confusion_data(path: str | Path) -> ConfusionData:
    """Read a file of `save_confusion_data`.

    Raises:
        ValueError: the file is damaged, or holds something else.
    """
    arrays = load_arrays(path, _CONTENT, {field.name for field in fields(ConfusionData)})
    return ConfusionData(num_classes=int(arrays.pop('num_classes')), **arrays)
