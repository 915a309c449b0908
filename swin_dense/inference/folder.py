"""What is written for each image: pictures and masks, in a folder that mirrors the inputs'.

overlays/NAME.jpg   the image with what was found drawn on it
masks/NAME.png      segmentation: the class of each pixel, a number
colors/NAME.png     segmentation: the same, in the colours of the classes
videos/NAME.mp4     of a video: its frames with what was found drawn on them (see `overlaid_videos`)

A video whose action is recognised is one image here: four of its frames.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from swin_dense.engine.atomic import replacing
from swin_dense.inference.masks import encoded
from swin_dense.inference.overlays import draw_detections, draw_recognition, draw_segmentation
from swin_dense.inference.results import Detections, Prediction, Recognition, Segmentation

OVERLAYS, COCO, MASKS, COLORS, VIDEOS = 'overlays', 'coco', 'masks', 'colors', 'videos'
SAVED = {
    'detection': (OVERLAYS, COCO, VIDEOS),
    'segmentation': (OVERLAYS, MASKS, COLORS, VIDEOS),
    'recognition': (OVERLAYS,),
    'classification': (OVERLAYS,),
}
KINDS = (OVERLAYS, MASKS, COLORS, VIDEOS)  # sub-folders
# what videos are painted with
_PAINT = {'detection': OVERLAYS, 'segmentation': MASKS}
_SUFFIXES = {OVERLAYS: '.jpg', MASKS: '.png', COLORS: '.png'}
_JPEG_QUALITY = 92
_BEST_CLASSES = 5  # of an image, or a video
# what an operating system says of a place that takes no more files, of any image
_UNUSABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)


class OutputError(OSError):
    """The output folder takes no more files."""


@dataclass(frozen=True)
class OutputFolder:
    """Writes predictions of images under `path`.

    Attributes:
        save: of `SAVED`, what to write.
        classes, palette: names and (C, 3) uint8 RGB colours.
        score_thr: detections below it are not drawn.
    """

    path: Path
    save: tuple[str, ...]
    classes: Sequence[str]
    palette: np.ndarray
    score_thr: float

    def files(self, name: str) -> list[Path]:
        """What `write` writes for an image."""
        return [self._file(kind, name) for kind in self.save if kind in _SUFFIXES]

    def write(self, name: str, image: np.ndarray, prediction: Prediction) -> dict[str, Any]:
        """Write the files of one image, each in one step; gives what is known of it, as plain values.

        Raises:
            OutputError: the disk is full, or the folder cannot be written to.
        """
        with unusable_folder_told(self.path):
            if isinstance(prediction, Segmentation):
                return self._write_segmentation(name, image, prediction)
            if isinstance(prediction, Recognition):
                return self._write_recognition(name, image, prediction)
            return self._write_detections(name, image, prediction)

    def _write_detections(self, name: str, image: np.ndarray, found: Detections) -> dict[str, Any]:
        if OVERLAYS in self.save:
            drawn = draw_detections(image, found, classes=self.classes, palette=self.palette, score_thr=self.score_thr)
            self._write_picture(OVERLAYS, name, drawn)
        masks = found.masks or [None] * len(found.labels)
        rows = zip(found.labels.tolist(), found.scores.tolist(), found.boxes_xyxy.tolist(), masks, strict=True)
        return {
            'height': found.size[0],
            'width': found.size[1],
            'detections': [
                {
                    'label': label,
                    'class': self.classes[label],
                    'score': round(score, 6),
                    'box_xyxy': [round(side, 4) for side in box],
                    **({} if mask is None else {'mask': encoded(mask, found.size)}),
                }
                for label, score, box, mask in rows
            ],
        }

    def _write_segmentation(self, name: str, image: np.ndarray, found: Segmentation) -> dict[str, Any]:
        if OVERLAYS in self.save:
            drawn = draw_segmentation(image, found, classes=self.classes, palette=self.palette)
            self._write_picture(OVERLAYS, name, drawn)
        if MASKS in self.save:
            self._write(MASKS, name, found.labels, [])
        if COLORS in self.save:
            self._write_picture(COLORS, name, self.palette[found.labels])
        counts = np.bincount(found.labels.ravel(), minlength=len(self.classes))
        present = np.flatnonzero(counts)
        return {
            'height': found.size[0],
            'width': found.size[1],
            'pixels': {self.classes[label]: int(counts[label]) for label in present},
        }

    def _write_recognition(self, name: str, image: np.ndarray, found: Recognition) -> dict[str, Any]:
        best = found.best(_BEST_CLASSES)
        if OVERLAYS in self.save:
            drawn = draw_recognition(image, found, best, classes=self.classes, palette=self.palette)
            self._write_picture(OVERLAYS, name, drawn)
        return {
            'class': self.classes[best[0]],
            'score': round(float(found.scores[best[0]]), 6),
            'best': [
                {'label': label, 'class': self.classes[label], 'score': round(float(found.scores[label]), 6)}
                for label in best
            ],
        }

    def _write_picture(self, kind: str, name: str, image_rgb: np.ndarray) -> None:
        self._write(kind, name, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])

    def _write(self, kind: str, name: str, pixels: np.ndarray, options: list[int]) -> None:
        path = self._file(kind, name)
        whole, code = cv2.imencode(path.suffix, pixels, options if path.suffix == '.jpg' else [])
        assert whole, f'{path.suffix} of {pixels.shape}'
        with replacing(path) as file:
            file.write(code.tobytes())

    def _file(self, kind: str, name: str) -> Path:
        return self.path / kind / f'{name}{_SUFFIXES[kind]}'


@contextmanager
def unusable_folder_told(folder: Path) -> Iterator[None]:
    """Say of errors that would come again with every image what they mean."""
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError) or error.errno not in _UNUSABLE:
            raise
        raise OutputError(
            error.errno,
            f'nothing can be written to {str(folder)!r}: {error.strerror}. What was finished is whole; make room or '
            'rights, then go on with --resume',
        ) from error


def checked_save(save: Sequence[str] | None, task: str) -> tuple[str, ...]:
    """What to write: all that the task has, or the asked for."""
    known = SAVED[task]
    if save is None:
        return known
    if unknown := [kind for kind in save if kind not in known]:
        raise ValueError(f'--save {" ".join(unknown)}: a model for {task} has {", ".join(known)}.')
    if VIDEOS in save and _PAINT[task] not in save:
        raise ValueError(f'--save {VIDEOS}: they are made of {_PAINT[task]}, so save these as well.')
    return tuple(kind for kind in known if kind in save)
