"""From the path of a video to the clips that a recogniser takes: decoding, sizes, crops.

A sample is a dict with `path`, and from `DecodeClips` on `clips`, a list of (T, H, W, 3) uint8 RGB, the views. What is
drawn is drawn once for each clip, so that it is the same in all of its frames.
"""

import math
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from swin_dense.classification.samples import packed_sample
from swin_dense.registry import TRANSFORMS
from swin_dense.video.frame_sources import open_frames
from swin_dense.video.sampling import dense_clip, dense_clips, segment_clip

_SAMPLINGS = ('dense', 'segments')
_TRIES = 10


@TRANSFORMS.register_module()
class DecodeClips(BaseTransform):
    """Adds `clips`, and `frame_numbers` (V, T).

    Args:
        clip_length: T, frames of a clip.
        interval: between two of its frames, of dense sampling.
        num_clips: of a video, evenly spread; in training 1.
        sampling: 'dense' takes frames `interval` apart, 'segments' one of each of T equal parts of the video.
        test_mode: take the same frames each time.
        num_threads: of the decoder.
    """

    def __init__(
        self,
        *,
        clip_length: int = 32,
        interval: int = 2,
        num_clips: int = 1,
        sampling: str = 'dense',
        test_mode: bool = False,
        num_threads: int = 1,
    ) -> None:
        if sampling not in _SAMPLINGS:
            raise ValueError(f'sampling is one of {", ".join(_SAMPLINGS)}; got {sampling!r}.')
        if min(clip_length, interval, num_clips) < 1:
            raise ValueError(
                f'clip_length, interval and num_clips are at least 1; got {clip_length}, {interval}, {num_clips}.'
            )
        if num_clips > 1 and (sampling == 'segments' or not test_mode):
            raise ValueError(
                f'several clips of a video are for dense sampling in test_mode; got num_clips={num_clips}.'
            )
        self.clip_length, self.interval, self.num_clips = clip_length, interval, num_clips
        self.sampling, self.test_mode, self.num_threads = sampling, test_mode, num_threads

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Raises BrokenVideo."""
        with open_frames(results['path'], num_threads=self.num_threads) as source:
            numbers = self._frame_numbers(source.num_frames)
            frames = source.read(numbers.flatten().tolist())
        results['clips'] = list(np.stack(frames).reshape(*numbers.shape, *frames[0].shape))
        results['frame_numbers'] = numbers
        return results

    def _frame_numbers(self, num_frames: int) -> np.ndarray:
        if self.sampling == 'segments':
            return segment_clip(num_frames, clip_length=self.clip_length, test_mode=self.test_mode)[None]
        lengths = {'clip_length': self.clip_length, 'interval': self.interval}
        if self.test_mode:
            return dense_clips(num_frames, num_clips=self.num_clips, **lengths)
        return dense_clip(num_frames, **lengths)[None]


@TRANSFORMS.register_module()
class ResizeShortSide(BaseTransform):
    """Resizes frames so that their short side has `size` pixels, bilinear."""

    def __init__(self, *, size: int) -> None:
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        results['clips'] = [self._resized(clip) for clip in results['clips']]
        return results

    def _resized(self, clip: np.ndarray) -> np.ndarray:
        sides = clip.shape[1:3]
        height, width = (max(1, int(side * self.size / min(sides) + 0.5)) for side in sides)
        return resized(clip, height, width)


@TRANSFORMS.register_module()
class RandomResizedCropClips(BaseTransform):
    """Cuts out a part of drawn size, shape and place, and resizes it to `size` x `size` pixels.

    Args:
        area: of the part, least and most share of the frame.
        aspect: width / height of the part, least and most; drawn on a scale of logarithms.

    Where no part of a drawn size fits into the frame in 10 tries, the largest square in the middle is taken. Source:
    Szegedy et al., 2015, as RandomResizedCrop of open-mmlab/mmaction2.
    """

    def __init__(
        self, *, size: int, area: tuple[float, float] = (0.08, 1.0), aspect: tuple[float, float] = (3 / 4, 4 / 3)
    ) -> None:
        if not 0 < area[0] <= area[1] <= 1:
            raise ValueError(f'area is the least and the most share of the frame, above 0 and up to 1; got {area}.')
        if not 0 < aspect[0] <= aspect[1]:
            raise ValueError(f'aspect is the least and the most width / height; got {aspect}.')
        self.size, self.area, self.aspect = size, area, aspect

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        cropped = []
        for clip in results['clips']:
            top, left, height, width = self._part(*clip.shape[1:3])
            cropped.append(resized(clip[:, top : top + height, left : left + width], self.size, self.size))
        results['clips'] = cropped
        return results

    def _part(self, frame_height: int, frame_width: int) -> tuple[int, int, int, int]:
        """(top, left, height, width)."""
        for _ in range(_TRIES):
            pixels = frame_height * frame_width * np.random.uniform(*self.area)
            aspect = math.exp(np.random.uniform(math.log(self.aspect[0]), math.log(self.aspect[1])))
            height, width = round(math.sqrt(pixels / aspect)), round(math.sqrt(pixels * aspect))
            if 0 < height <= frame_height and 0 < width <= frame_width:
                top, left = np.random.randint(frame_height - height + 1), np.random.randint(frame_width - width + 1)
                return int(top), int(left), height, width
        side = min(frame_height, frame_width)
        return (frame_height - side) // 2, (frame_width - side) // 2, side, side


@TRANSFORMS.register_module()
class FlipClips(BaseTransform):
    """Mirrors a clip, left to right, with probability `prob`."""

    def __init__(self, *, prob: float = 0.5) -> None:
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        results['clips'] = [
            clip[:, :, ::-1] if np.random.random_sample() < self.prob else clip for clip in results['clips']
        ]
        return results


@TRANSFORMS.register_module()
class CenterCropClips(BaseTransform):
    """Cuts out the middle `size` x `size` pixels."""

    def __init__(self, *, size: int) -> None:
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        results['clips'] = [_crop(clip, self.size, 1, 1) for clip in results['clips']]
        return results


@TRANSFORMS.register_module()
class ThreeCrops(BaseTransform):
    """Of each clip three views of `size` x `size` pixels: at the start, the middle and the end of its long side."""

    def __init__(self, *, size: int) -> None:
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        views = []
        for clip in results['clips']:
            is_wide = clip.shape[2] >= clip.shape[1]
            views += [_crop(clip, self.size, *((1, place) if is_wide else (place, 1))) for place in range(3)]
        results['clips'] = views
        return results


@TRANSFORMS.register_module()
class PackClips(BaseTransform):
    """Gives `inputs`, uint8 (V, 3, T, H, W), and `data_samples`, a `ClassSample`; all views have one size by now."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        clips = results['clips']
        if len({clip.shape for clip in clips}) > 1:
            raise ValueError(f'views have different sizes, {", ".join(str(clip.shape) for clip in clips)}: crop them.')
        views = np.ascontiguousarray(np.stack(clips).transpose(0, 4, 1, 2, 3))
        return {'inputs': torch.from_numpy(views), 'data_samples': packed_sample(results)}


def resized(clip: np.ndarray, height: int, width: int) -> np.ndarray:
    """(T, H, W, 3) -> (T, height, width, 3), bilinear."""
    if clip.shape[1:3] == (height, width):
        return clip
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR) for frame in clip])


def _crop(clip: np.ndarray, size: int, vertical: int, horizontal: int) -> np.ndarray:
    """Args:

    vertical, horizontal: 0 at the start, 1 in the middle, 2 at the end.
    """
    height, width = clip.shape[1:3]
    if min(height, width) < size:
        raise ValueError(
            f'frames of {height} x {width} pixels (height x width) have no crop of {size} x {size}. Put '
            f"dict(type='swin_dense.ResizeShortSide', size={size}) or more before it."
        )
    top, left = (height - size) * vertical // 2, (width - size) * horizontal // 2
    return clip[:, top : top + size, left : left + size]
