"""Videos with what was found drawn on their frames: videos/NAME.mp4, in the size and at the rate of the input."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from swin_dense.datasets.palettes import blend
from swin_dense.engine.atomic import replacing
from swin_dense.inference.decoding import UnreadableImage
from swin_dense.inference.folder import MASKS, OVERLAYS, VIDEOS, OutputFolder, unusable_folder_told
from swin_dense.inference.frames import read_frames
from swin_dense.inference.sources import Source
from swin_dense.video.containers import import_av, opened_video

_USUAL_RATE = Fraction(25)  # frames a second, where a container does not say
_CLASS_PART = 128  # of 255, of the colour in what it covers
_ENCODERS = ('libx264', 'mpeg4')  # the first that the installed FFmpeg has

Paint = Callable[[int, np.ndarray], np.ndarray]


def write_overlaid_video(folder: OutputFolder, source: Source) -> Path | None:
    """Draw the predictions that `folder` holds of the frames of a video; None where it is not asked for, or is there.

    Frames without a prediction are shown as they are. Of a video that breaks, the video ends where it does.
    """
    target = folder.path / VIDEOS / f'{source.name}.mp4'
    if VIDEOS not in folder.save or target.is_file():
        return None
    with unusable_folder_told(folder.path):
        _write(source.path, target, _masks(folder, source) if MASKS in folder.save else _pictures(folder, source))
    return target if target.is_file() else None


def _masks(folder: OutputFolder, source: Source) -> Paint:
    palette = np.asarray(folder.palette, np.uint8)

    def paint(number: int, image: np.ndarray) -> np.ndarray:
        labels = cv2.imread(str(_file(folder, MASKS, source, number, '.png')), cv2.IMREAD_UNCHANGED)
        if labels is None or labels.shape != image.shape[:2]:
            return image
        return blend(image, palette[labels], np.full((1, 1, 1), _CLASS_PART / 255))

    return paint


def _pictures(folder: OutputFolder, source: Source) -> Paint:
    def paint(number: int, image: np.ndarray) -> np.ndarray:
        drawn = cv2.imread(str(_file(folder, OVERLAYS, source, number, '.jpg')))
        if drawn is None:
            return image
        height, width = image.shape[:2]
        return cv2.resize(drawn[..., ::-1], (width, height), interpolation=cv2.INTER_AREA)

    return paint


def _file(folder: OutputFolder, kind: str, source: Source, number: int, suffix: str) -> Path:
    return folder.path / kind / source.name / f'frame_{number:06d}{suffix}'


def _write(path: str, target: Path, paint: Paint) -> None:
    av = import_av()
    frames = _frames(path)
    first = next(frames, None)
    if first is None:
        return
    with replacing(target) as file, av.open(file, 'w', format='mp4') as container:
        stream = container.add_stream(_encoder(av), rate=_rate(path))
        height, width = first[1].shape[:2]
        stream.height, stream.width, stream.pix_fmt = height + height % 2, width + width % 2, 'yuv420p'
        for number, image in chain([first], frames):
            container.mux(stream.encode(_encodable(av, paint(number, image))))
        container.mux(stream.encode())


def _frames(path: str) -> Iterator[tuple[int, np.ndarray]]:
    try:
        yield from read_frames(path)
    except UnreadableImage:  # told when it was predicted
        return


def _encodable(av: Any, image: np.ndarray) -> Any:
    """Codecs take even sides: an odd one is repeated."""
    height, width = image.shape[:2]
    even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format='rgb24')


def _encoder(av: Any) -> str:
    return next((name for name in _ENCODERS if name in av.codecs_available), _ENCODERS[-1])


def _rate(path: str) -> Fraction:
    with opened_video(path) as (_, stream):
        return Fraction(stream.average_rate or _USUAL_RATE).limit_denominator(1001)
