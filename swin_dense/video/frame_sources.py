"""Single frames of videos: of a file, or of a folder with a picture a frame.

Frame i is the i-th in the order of showing. A file is gone through once without decoding, which tells its frames, their
time stamps and key frames, and whether it is cut off. A frame is then found from the key frame before it and known by
its time stamp. Where time stamps do not tell frames apart, all are decoded and counted.
"""

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from swin_dense.inference.decoding import UnreadableImage, read_image
from swin_dense.inference.folders import natural_key
from swin_dense.inference.sources import IMAGE_SUFFIXES
from swin_dense.layers.windows import Size
from swin_dense.video.containers import BrokenVideo, import_av, missing_end, opened_video, upright

# Formats whose packets are a frame each. In VP8, some are never shown; interlaced H.264 may have two a frame, which is
# seen when frames are looked for.
_A_PACKET_A_FRAME = frozenset(
    ('av1', 'ffv1', 'gif', 'h264', 'hevc', 'mjpeg', 'mpeg1video', 'mpeg2video', 'mpeg4', 'png', 'prores', 'vp9')
)
# decoding on through this many frames is no slower than a seek and the start of a decoder
_NO_SEEK_WITHIN = 16


class FrameSource(Protocol):
    """Frames of one video.

    num_frames: how many there are, at least 1.
    """

    num_frames: int

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Frames by number, (H, W, 3) uint8 RGB upright, all of one size; a number may come again, and share its array.

        Raises:
            BrokenVideo: a frame cannot be decoded.
            IndexError: there is no such frame.
        """
        ...


@contextmanager
def open_frames(path: str, *, num_threads: int = 1) -> Iterator[FrameSource]:
    """The frames of a video file or a folder of pictures.

    Args:
        num_threads: of the decoder; 0 takes all cores.

    Raises:
        BrokenVideo: there is none, it has no frame, or is cut off.
        ImportError: PyAV, which reads files, is not installed.
    """
    if os.path.isdir(path):
        yield _FrameFolder(path)
        return
    errors = import_av().error.FFmpegError
    try:
        with opened_video(path) as (container, stream):
            yield _VideoFile(container, stream, num_threads)
    except errors as error:
        raise BrokenVideo(f'not a video that PyAV can read to its end: {error.strerror or error}') from None
    except BrokenVideo:
        raise
    except UnreadableImage as error:  # of the file system
        raise BrokenVideo(str(error)) from None


class _FrameFolder:
    def __init__(self, path: str) -> None:
        names = [entry.name for entry in os.scandir(path) if entry.is_file()]
        pictures = [name for name in names if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES]
        if not pictures:
            raise BrokenVideo(f'a folder with {len(names)} files and no picture among them')
        self.paths = [os.path.join(path, name) for name in sorted(pictures, key=natural_key)]
        self.num_frames = len(self.paths)

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        _check(indices, self.num_frames)
        found: dict[int, np.ndarray] = {}
        for index in sorted(set(indices)):
            try:
                found[index] = read_image(self.paths[index])
            except UnreadableImage as error:
                raise BrokenVideo(f'{os.path.basename(self.paths[index])}: {error}') from None
            _check_size(found, index)
        return [found[index] for index in indices]


@dataclass(frozen=True)
class _Index:
    """Attributes:

    stamps: of all frames, rising.
    keys: of key frames, rising.
    """

    stamps: list[int]
    keys: list[int]


class _VideoFile:
    def __init__(self, container: Any, stream: Any, num_threads: int) -> None:
        self.container, self.stream = container, stream
        stream.thread_type = 'AUTO'
        stream.codec_context.thread_count = num_threads
        self.index = _indexed(container, stream)
        self.num_frames = len(self.index.stamps) if self.index else self._count()

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        _check(indices, self.num_frames)
        wanted = sorted(set(indices))
        found = self._by_stamp(wanted, self.index) if self.index else None
        if found is None:
            found = self._by_number(wanted)
        for index in wanted:
            _check_size(found, index)
        return [found[index] for index in indices]

    def _by_stamp(self, wanted: Sequence[int], index: _Index) -> dict[int, np.ndarray] | None:
        """None where frames do not come as the index has them."""
        found: dict[int, np.ndarray] = {}
        frames: Iterator[Any] = iter(())
        position = None  # of the frame that `frames` gave last
        for number in wanted:
            stamp = index.stamps[number]
            key = index.keys[max(0, bisect_right(index.keys, stamp) - 1)]
            behind = position is None or (key > index.stamps[position] and number - position > _NO_SEEK_WITHIN)
            if behind:
                self.container.seek(key, stream=self.stream, backward=True)
                frames = self.container.decode(self.stream)
            frame = next((each for each in frames if each.pts is not None and each.pts >= stamp), None)
            if frame is None or frame.pts != stamp:
                return None
            found[number], position = _pixels(frame, number), number
        return found

    def _by_number(self, wanted: Sequence[int]) -> dict[int, np.ndarray]:
        """All frames up to the last that is wanted, from the start."""
        left, found, count = set(wanted), {}, 0
        for frame in self._from_start():
            if count in left:
                found[count] = _pixels(frame, count)
            count += 1
            if len(found) == len(left):
                return found
        raise BrokenVideo(f'the file tells of {self.num_frames} frames and has {count}')

    def _count(self) -> int:
        count = sum(1 for _ in self._from_start())
        if not count:
            raise BrokenVideo('the video has no frame')
        return count

    def _from_start(self) -> Iterator[Any]:
        self.container.seek(self.stream.start_time or 0, stream=self.stream, backward=True)
        return self.container.decode(self.stream)


def _indexed(container: Any, stream: Any) -> _Index | None:
    """Of all packets; None where they do not tell frames apart.

    Raises:
        BrokenVideo: the file is cut off, or has no frame.
    """
    stamps, keys, count, end = [], [], 0, 0.0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise BrokenVideo(f'the video is cut off near frame {count}')
        if not packet.size or packet.is_discard:
            continue
        count += 1
        if packet.pts is not None:
            stamps.append(packet.pts)
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            keys += [packet.pts] * packet.is_keyframe
    if not count:
        raise BrokenVideo('the video has no frame')
    if missing := missing_end(stream, end):
        raise BrokenVideo(f'the video is cut off: {missing}')
    tells = len(set(stamps)) == count and bool(keys)
    return _Index(sorted(stamps), sorted(keys)) if tells and stream.codec_context.name in _A_PACKET_A_FRAME else None


def _pixels(frame: Any, number: int) -> np.ndarray:
    if frame.is_corrupt:
        raise BrokenVideo(f'frame {number} is damaged')
    return upright(frame)


def _check(indices: Sequence[int], num_frames: int) -> None:
    if not all(0 <= index < num_frames for index in indices):
        raise IndexError(f'the video has frames 0 to {num_frames - 1}; asked for {min(indices)} to {max(indices)}.')


def _check_size(found: dict[int, np.ndarray], index: int) -> None:
    size: Size = found[index].shape[:2]
    first = min(found)
    if size != found[first].shape[:2]:
        raise BrokenVideo(
            f'frame {index} is {size[0]} x {size[1]} (height x width), frame {first} is '
            f'{found[first].shape[0]} x {found[first].shape[1]}'
        )
