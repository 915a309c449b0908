"""What a predictor works on: images and videos as the model will see them, and the parts that are of one task."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmseg.models.segmentors import BaseSegmentor

from swin_dense.classification.classifier import ImageClassifier
from swin_dense.inference.classification import Classifier
from swin_dense.inference.decoding import MAX_PIXELS, UnreadableImage, read_image
from swin_dense.inference.detection import Detector
from swin_dense.inference.recognition import Recogniser
from swin_dense.inference.segmentation import Segmenter
from swin_dense.video.recogniser import VideoRecogniser


class PredictionError(ValueError):
    """An image that was read cannot be predicted; the text is the reason."""


@dataclass(frozen=True)
class Prepared:
    """An image and what the model will see of it.

    Attributes:
        image: (H, W, 3) uint8 RGB; of a video a preview.
        views: see `Views` and `VideoViews`; None for an image that is cut into tiles.
    """

    image: np.ndarray
    views: list[dict[str, Any]] | None

    @property
    def key(self) -> tuple | None:
        """Equal for images that can go through the model together."""
        if self.views is None:
            return None
        return (self.image.shape, *(tuple(view['inputs'].shape) for view in self.views))


def task_of(model: Any) -> tuple[str, Segmenter | Detector | Recogniser | Classifier]:
    """The name of a model's task, and what is particular to it."""
    if isinstance(model, VideoRecogniser):
        return 'recognition', Recogniser(model)
    if isinstance(model, ImageClassifier):
        return 'classification', Classifier(model)
    if isinstance(model, BaseSegmentor):
        return 'segmentation', Segmenter(model)
    return 'detection', Detector(model)


def read_if_path(image: np.ndarray | str | Path) -> np.ndarray:
    """The pixels of a file; an array as it is. Raises UnreadableImage with the path, TypeError."""
    if isinstance(image, np.ndarray):
        return image
    if not isinstance(image, (str, Path)):
        raise TypeError(
            f'an image is an array, (H, W, 3) uint8 RGB, or the path of a file; got {type(image).__name__}.'
        )
    try:
        return read_image(str(image), max_pixels=MAX_PIXELS)
    except UnreadableImage as error:
        raise UnreadableImage(f'{image}: {error}') from None


def checked_tile(tile: int | None, overlap: int | None) -> tuple[int | None, int]:
    """Side and overlap, which by default is a quarter; ValueError where they make no tiles."""
    if tile is None:
        if overlap is not None:
            raise ValueError(f'overlap is of tiles: give the side of a tile as well (overlap {overlap}).')
        return None, 0
    overlap = tile // 4 if overlap is None else overlap
    if tile < 1 or not 0 <= overlap < tile:
        raise ValueError(
            f'a tile has 1 pixel or more, and overlaps with the next by less than its side: tile {tile}, '
            f'overlap {overlap}.'
        )
    return tile, overlap
