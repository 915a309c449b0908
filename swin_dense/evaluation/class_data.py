"""What was found in each image of a classification test: enough for accuracies of any multiset of the images."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from swin_dense.evaluation.array_files import load_arrays, save_arrays

_CONTENT = 'swin_dense classes of images 1'


@dataclass(frozen=True, kw_only=True)
class ClassData:
    """Legend: N images.

    Attributes:
        image_names: (N,) paths below the folder that all share.
        labels: (N,) int64.
        predictions: (N,) int64, the class with the highest score; -1 where the image could not be read.
        ranks: (N,) int64, the place of the label among the classes, from 0; as `predictions`, `num_classes` if broken.
        num_classes: of the model.
    """

    image_names: np.ndarray
    labels: np.ndarray
    predictions: np.ndarray
    ranks: np.ndarray
    num_classes: int


def class_data(
    names: Sequence[str],
    labels: Sequence[int],
    predictions: Sequence[int],
    ranks: Sequence[float],
    num_classes: int,
) -> ClassData:
    """`ranks` are infinite of images that could not be read."""
    finite = np.where(np.isfinite(ranks), ranks, num_classes)
    return ClassData(
        image_names=np.asarray(names, dtype=str),
        labels=np.asarray(labels, dtype=np.int64),
        predictions=np.asarray(predictions, dtype=np.int64),
        ranks=finite.astype(np.int64),
        num_classes=num_classes,
    )


def save_class_data(data: ClassData, path: str | Path) -> None:
    """Replace `path`, in one step."""
    save_arrays(path, _CONTENT, {field.name: np.asarray(getattr(data, field.name)) for field in fields(ClassData)})


def load_class_data(path: str | Path) -> ClassData:
    """What `save_class_data` wrote; raises ValueError if the file is damaged or another."""
    arrays = load_arrays(path, _CONTENT, {field.name for field in fields(ClassData)})
    return ClassData(num_classes=int(arrays.pop('num_classes')), **arrays)
