"""Opening videos through PyAV (the extra `video`), and what their containers and frames say."""

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


class BrokenVideo(UnreadableImage):
    """A video that cannot be read, or not to its end; the text is the reason."""


def import_av() -> Any:
    """PyAV, or ImportError with how to install it."""
    try:
        import av
    except ImportError as error:
        raise ImportError(f"videos are read by PyAV: pip install 'swin_dense[video]' ({error})") from error
    return av


@contextmanager
def opened_video(path: str) -> Iterator[tuple[Any, Any]]:
    """PyAV's container and first video stream of a file or web address.

    Raises:
        UnreadableImage: it is no regular file, or has no video.
        av.error.FFmpegError: PyAV cannot read it.
        ImportError: PyAV is not installed.
    """
    is_web = is_web_address(path)
    if not is_web:
        require_regular_file(path)
        path = f'file:{path}'  # a name may look like an address of another protocol
    timeout = SECONDS_OF_SILENCE if is_web else None
    with import_av().open(
        path, options=_WEB if is_web else _LOCAL, timeout=timeout, metadata_errors='replace'
    ) as container:
        if not container.streams.video:
            raise BrokenVideo('the file has no video stream')
        yield container, container.streams.video[0]


def upright(frame: Any) -> np.ndarray:
    """(H, W, 3) uint8 RGB, turned as the container says."""
    # degrees counterclockwise; PyAV has them since version 14
    turns = round(getattr(frame, 'rotation', 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format='rgb24'), turns))


def noted_seconds(stream: Any) -> float | None:
    """Matroska ends anywhere without an error, but notes the duration of a stream, as 00:00:04.000000000."""
    try:
        hours, minutes, seconds = map(float, stream.metadata['DURATION'].split(':'))
    except (KeyError, ValueError):
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def _frame_seconds(stream: Any) -> float:
    return 1 / float(stream.average_rate) if stream.average_rate else 0.0


def missing_end(stream: Any, end_seconds: float) -> str:
    """'0.4 of 2.0 s' where frames end at `end_seconds`, before the duration that the stream notes; else ''."""
    expected = noted_seconds(stream)
    if expected is None or end_seconds + _MISSING_SECONDS + _frame_seconds(stream) >= expected:
        return ''
    return f'{end_seconds:.1f} of {expected:.1f} s'
