"""Which frames of a video make a clip: numbers from numbers.

Draws are from numpy's global generator, which is seeded for each sample (see `swin_dense.engine.exact_data`), so that a
resumed run draws what an uninterrupted one does. Source: SampleFrames of SwinTransformer/Video-Swin-Transformer, of
open-mmlab/mmaction2.
"""

import numpy as np


def dense_clip(num_frames: int, *, clip_length: int, interval: int) -> np.ndarray:
    """(clip_length,) every `interval`-th frame from a drawn start; a short video starts again at its end."""
    _check(num_frames, clip_length)
    spare = num_frames - clip_length * interval
    start = np.random.randint(spare + 1) if spare > 0 else 0
    return _from(start, num_frames, clip_length, interval)


def dense_clips(num_frames: int, *, clip_length: int, interval: int, num_clips: int) -> np.ndarray:
    """(num_clips, clip_length) clips as of `dense_clip`, in the middles of `num_clips` equal parts."""
    _check(num_frames, clip_length)
    spare = num_frames - clip_length * interval
    places = (np.arange(num_clips) + 0.5) / num_clips
    starts = (places * (max(spare, -1) + 1)).astype(int)
    return np.stack([_from(start, num_frames, clip_length, interval) for start in starts])


def segment_clip(num_frames: int, *, clip_length: int, test_mode: bool) -> np.ndarray:
    """(clip_length,) a frame of each of `clip_length` equal parts of the video: the middle one in tests, else drawn.

    Parts share their border frames, as officially.
    """
    _check(num_frames, clip_length)
    edges = np.round(np.arange(clip_length + 1) * ((num_frames - 1) / clip_length)).astype(int)
    if test_mode:
        return (edges[:-1] + edges[1:]) // 2
    return np.random.randint(edges[:-1], edges[1:] + 1)


def _from(start: int, num_frames: int, clip_length: int, interval: int) -> np.ndarray:
    return (start + np.arange(clip_length) * interval) % num_frames


def _check(num_frames: int, clip_length: int) -> None:
    if num_frames < 1 or clip_length < 1:
        raise ValueError(f'clips of {clip_length} frames cannot be taken of a video of {num_frames}.')
