"""Videos, frame by frame, through PyAV (the extra `video`)."""

from collections.abc import Iterator

import numpy as np

from swin_dense.inference.decoding import UnreadableImage
from swin_dense.video.containers import BrokenVideo, import_av, missing_end, noted_seconds, opened_video, upright


def read_frames(path: str) -> Iterator[tuple[int, np.ndarray]]:
    """Give (frame number from 0, (H, W, 3) uint8 RGB upright) of the first video stream of a file or web address.

    Numbers count what is decoded. Before a cut, codecs that store frames out of order may lack one among the last few.

    Raises:
        UnreadableImage: it is no video, or breaks; the frames before were given, and the message says how many.
        ImportError: PyAV is not installed.
    """
    errors, number, end = import_av().error.FFmpegError, 0, 0.0
    try:
        with opened_video(path) as (container, stream):
            stream.thread_type = 'AUTO'
            packets = container.demux(stream)
            is_cut_off = False
            while not is_cut_off and (packet := next(packets, None)) is not None:
                is_cut_off = packet.is_corrupt
                for frame in stream.decode(None) if is_cut_off else packet.decode():  # None: those still being decoded
                    yield number, upright(frame)
                    number += 1
                    end = max(end, frame.time or 0.0)
            if is_cut_off:
                raise BrokenVideo(f'the video is cut off after frame {number - 1}')
            if number == 0:
                raise BrokenVideo('the video has no frame')
            if missing := missing_end(stream, end):
                raise BrokenVideo(f'the video is cut off after frame {number - 1}: {missing}')
    except errors as error:
        where = f'the video breaks after frame {number - 1}' if number else 'not a video that PyAV can read'
        raise BrokenVideo(f'{where}: {error.strerror or error}') from None


def count_frames(path: str) -> int | None:
    """How many frames the container says there are, or its duration allows; None if it says neither."""
    errors = import_av().error.FFmpegError
    try:
        with opened_video(path) as (container, stream):
            if stream.frames:
                return stream.frames
            seconds = noted_seconds(stream) or (container.duration or 0) / 1e6
            return round(seconds * float(stream.average_rate)) or None if stream.average_rate else None
    except (errors, UnreadableImage):
        return None
