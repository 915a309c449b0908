"""Videos, frame by frame, through PyAV (the extra `video`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np

from swin_dense.inference.decoding import SECONDS_OF_SILENCE, UnreadableImage, require_regular_file
from swin_dense.inference.output_names import is_web_address

# a container may be a list of other files and addresses: none but the one that was named is opened
_LOCAL = {'protocol_whitelist': 'file'}
_WEB = {'protocol_whitelist': 'http,https,tcp,tls,crypto'}
_MISSING_SECONDS = 0.5  # fewer at the end of a file are differences of rounding between containers


def read_frames(path: str) -> Iterator[tuple[int, np.ndarray]]:
    """Give (frame number from 0, (H, W, 3) uint8 RGB upright) of the first video stream of a file or web address.

    Numbers count what is decoded. Before a cut, codecs that store frames out of order may lack one among the last few.

    Raises:
        UnreadableImage: it is no video, or breaks; the frames before were given, and the message says how many.
        ImportError: PyAV is not installed.
    """
    errors, number, end = _av().error.FFmpegError, 0, 0.0
    try:
        with _opened(path) as (container, stream):
            stream.thread_type = 'AUTO'
            packets = container.demux(stream)
            is_cut_off = False
            while not is_cut_off and (packet := next(packets, None)) is not None:
                is_cut_off = packet.is_corrupt
                for frame in stream.decode(None) if is_cut_off else packet.decode():  # None: those still being decoded
                    yield number, _upright(frame)
                    number += 1
                    end = max(end, frame.time or 0.0)
            if is_cut_off:
                raise UnreadableImage(f'the video is cut off after frame {number - 1}')
            expected = _noted_seconds(stream)
            if number == 0:
                raise UnreadableImage('the video has no frame')
            if expected is not None and end + _MISSING_SECONDS + _frame_seconds(stream) < expected:
                raise UnreadableImage(f'the video is cut off after frame {number - 1}: {end:.1f} of {expected:.1f} s')
    except errors as error:
        where = f'the video breaks after frame {number - 1}' if number else 'not a video that PyAV can read'
        raise UnreadableImage(f'{where}: {error.strerror or error}') from None


def count_frames(path: str) -> int | None:
    """How many frames the container says there are, or its duration allows; None if it says neither."""
    errors = _av().error.FFmpegError
    try:
        with _opened(path) as (container, stream):
            if stream.frames:
                return stream.frames
            seconds = _noted_seconds(stream) or (container.duration or 0) / 1e6
            return round(seconds * float(stream.average_rate)) or None if stream.average_rate else None
    except (errors, UnreadableImage):
        return None


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise ImportError(f"videos are read by PyAV: pip install 'swin_dense[video]' ({error})") from error
    return av


@contextmanager
def _opened(path: str) -> Iterator[tuple[Any, Any]]:
    is_web = is_web_address(path)
    if not is_web:
        require_regular_file(path)
        path = f'file:{path}'  # a name may look like an address of another protocol
    timeout = SECONDS_OF_SILENCE if is_web else None
    with _av().open(path, options=_WEB if is_web else _LOCAL, timeout=timeout, metadata_errors='replace') as container:
        if not container.streams.video:
            raise UnreadableImage('the file has no video stream')
        yield container, container.streams.video[0]


def _upright(frame: Any) -> np.ndarray:
    # degrees counterclockwise; PyAV has them since version 14
    turns = round(getattr(frame, 'rotation', 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format='rgb24'), turns))


def _noted_seconds(stream: Any) -> float | None:
    """Matroska ends anywhere without an error, but notes the duration of a stream, as 00:00:04.000000000."""
    try:
        hours, minutes, seconds = map(float, stream.metadata['DURATION'].split(':'))
    except (KeyError, ValueError):
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def _frame_seconds(stream: Any) -> float:
    return 1 / float(stream.average_rate) if stream.average_rate else 0.0
