"""What is predicted for one image, or one video, as arrays on the CPU."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CroppedMask:
    """A mask without the empty part of the image around it.

    Attributes:
        top, left: of the part, in pixels of the image.
        pixels: (h, w) bool; nothing of the mask lies outside.
    """

    top: int
    left: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Detections:
    """Objects of one image, the surest first.

    Attributes:
        size: (height, width) of the image.
        boxes_xyxy: (N, 4) float32, left, top, right, bottom in pixels of the image.
        scores: (N,) float32 in [0, 1].
        labels: (N,) int64, positions in the list of classes.
        masks: one an object; None from a detector of boxes alone.
    """

    size: tuple[int, int]
    boxes_xyxy: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    masks: tuple[CroppedMask, ...] | None


@dataclass(frozen=True)
class Segmentation:
    """The class of each pixel of one image.

    Attributes:
        labels: (H, W), positions in the list of classes: uint8, or uint16 where there are more than 256 classes.
    """

    labels: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the image."""
        return self.labels.shape[0], self.labels.shape[1]


@dataclass(frozen=True)
class Recognition:
    """What an image shows, or what happens in a video.

    Attributes:
        size: (height, width) of the image, or of the video's preview.
        scores: (number of classes,) float32, sums to 1.
    """

    size: tuple[int, int]
    scores: np.ndarray

    def best(self, count: int) -> list[int]:
        """Labels of the highest scores, the highest first."""
        return np.argsort(-self.scores, kind='stable')[:count].tolist()


ImagePrediction = Detections | Segmentation
Prediction = ImagePrediction | Recognition
