"""Bytes to pixels, as training sees them: OpenCV's, in RGB order; or a short reason why there are none.

- JPEG, PNG, BMP, TIFF (first page), PNM: bit by bit what `LoadImageFromFile` of mmcv gives, upright by EXIF.
- WebP, AVIF, JPEG 2000: the same, and the orientation, which OpenCV ignores there. GIF: Pillow's first frame.
- Alpha and transparency are dropped, colours kept as stored (of TIFF, as in training, libtiff gives them multiplied by
  alpha). 16 bits a channel become 8: value / 256. Grey becomes RGB, CMYK as well, without a colour profile. Pixels that
  are floats or signed have no agreed range: refused.
- A file that ends early is refused, though decoders make a picture of its beginning. Bytes after the end are ignored.

A file whose middle is damaged without an effect on its structure is a picture to OpenCV, and is one here.
"""

import mmap
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

import cv2
import numpy as np
from PIL import ImageOps

from swin_dense.datasets.image_headers import (
    HEADER_ERRORS,
    SIDEWAYS,
    UnreadableImage,
    check_whole,
    format_of,
    opened_by_pillow,
    read_header,
)
from swin_dense.inference.output_names import is_web_address

MAX_PIXELS = 500_000_000
MAX_BYTES = 2**31 - 1  # a buffer of OpenCV's
SECONDS_OF_SILENCE = 30
MAX_DOWNLOAD_SECONDS = 300

OPENCV_LOG = cv2 if hasattr(cv2, 'setLogLevel') else cv2.utils.logging  # type: ignore[attr-defined]  # OpenCV 5
_log_lock = threading.Lock()
_log_users, _log_level = 0, 0


def read_image(path: str, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The pixels of a local file, a file URL or a web address: (H, W, 3) uint8 RGB.

    Raises:
        UnreadableImage: there is no such file, it is no regular file, or not a whole picture of at most `max_pixels`.
    """
    return decode_image(_fetched(path) if is_web_address(path) else _local(path), max_pixels=max_pixels)


def decode_image(content: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The pixels of a picture's bytes: (H, W, 3) uint8 RGB. Raises UnreadableImage."""
    kind = format_of(content)
    header = read_header(content, kind)
    if header.height * header.width > max_pixels:
        raise UnreadableImage(
            f'{header.height} x {header.width} = {header.height * header.width:,} pixels, the limit is {max_pixels:,}'
        )
    check_whole(content, kind)
    if kind == 'GIF':  # of OpenCV's own reader there are only young versions
        return _by_pillow(content, kind)
    image = _by_opencv(content, upright=kind not in ('WebP', 'AVIF', 'JPEG 2000'))
    if image is None and kind not in ('JPEG', 'PNG', 'TIFF'):
        return _by_pillow(content, kind)
    if image is None:
        raise UnreadableImage(f'truncated or damaged {kind}, or of a kind that OpenCV cannot decode')
    return _upright(image, header.orientation) if kind in ('WebP', 'AVIF', 'JPEG 2000') else image


def image_size(path: str) -> tuple[int, int] | None:
    """(height, width) that `read_image` would give, from the header; None if it cannot be told, or is on the web."""
    if is_web_address(path):
        return None
    try:
        path = _without_scheme(path)
        require_regular_file(path)
        with open(path, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            header = read_header(content, format_of(content))
    except (ValueError, OSError):
        return None
    height, width = header.height, header.width
    return (width, height) if header.orientation in SIDEWAYS else (height, width)


def require_regular_file(path: str) -> None:
    """Refuse what cannot be read to its end: opening a pipe may wait for ever. Raises UnreadableImage."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise UnreadableImage(_os_reason(error, path)) from None
    if not stat.S_ISREG(mode):
        raise UnreadableImage('a folder, not a file' if stat.S_ISDIR(mode) else 'a pipe, socket or device, not a file')


def _without_scheme(path: str) -> str:
    return url2pathname(urlsplit(path).path) if path.lower().startswith('file://') else path


def _local(path: str) -> bytes:
    path = _without_scheme(path)
    require_regular_file(path)
    try:
        with open(path, 'rb') as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise UnreadableImage(f'{size:,} bytes, the limit is {MAX_BYTES:,}')
            return file.read()
    except OSError as error:
        raise UnreadableImage(_os_reason(error, path)) from None


def _os_reason(error: OSError, path: str) -> str:
    if isinstance(error, PermissionError):
        return 'no permission to read it'
    if isinstance(error, FileNotFoundError):
        return 'dangling link' if os.path.islink(path) else 'no such file'
    return error.strerror or type(error).__name__


def _fetched(url: str) -> bytes:
    deadline = time.monotonic() + MAX_DOWNLOAD_SECONDS
    try:
        with urlopen(Request(url, headers={'User-Agent': 'swin_dense'}), timeout=SECONDS_OF_SILENCE) as response:
            size = int(response.headers.get('Content-Length') or 0)
            content = bytearray()
            while block := response.read1(1 << 20):
                content += block
                if max(size, len(content)) > MAX_BYTES:
                    raise UnreadableImage(f'the address gives more than {MAX_BYTES:,} bytes')
                if time.monotonic() > deadline:
                    raise UnreadableImage(f'not downloaded in {MAX_DOWNLOAD_SECONDS} seconds')
    except HTTPError as error:
        error.close()
        raise UnreadableImage(f'HTTP {error.code} {error.reason}') from None
    except TimeoutError:
        raise UnreadableImage(f'no answer in {SECONDS_OF_SILENCE} seconds') from None
    except URLError as error:
        raise UnreadableImage(f'cannot be reached: {error.reason}') from None
    except (OSError, HTTPException, UnicodeError) as error:
        raise UnreadableImage(f'download failed: {error or type(error).__name__}') from None
    if len(content) < size:
        raise UnreadableImage(f'the connection ended after {len(content):,} of {size:,} bytes')
    return bytes(content)


def _by_pillow(content: bytes, kind: str) -> np.ndarray:
    try:
        with opened_by_pillow(content) as image:
            if image.mode.startswith('I'):
                grey = np.clip(np.asarray(image, np.int64) >> 8, 0, 255).astype(np.uint8)
                return np.repeat(grey[:, :, None], 3, axis=2)
            return np.array(ImageOps.exif_transpose(image).convert('RGB'))
    except HEADER_ERRORS as error:
        truncated = 'truncated' if 'truncated' in str(error).lower() else 'truncated or damaged'
        raise UnreadableImage(f'{truncated} {kind}') from None


def _by_opencv(content: bytes, *, upright: bool) -> np.ndarray | None:
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    with _silent_opencv():
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        except cv2.error:
            return None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB, image)


def _upright(image: np.ndarray, orientation: int) -> np.ndarray:
    if orientation in SIDEWAYS:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


@contextmanager
def _silent_opencv() -> Iterator[None]:
    """What OpenCV logs of a broken file is in the reason; the level is for all threads: the last one puts it back."""
    global _log_users, _log_level
    with _log_lock:
        if _log_users == 0:
            _log_level = OPENCV_LOG.setLogLevel(0)
        _log_users += 1
    try:
        yield
    finally:
        with _log_lock:
            _log_users -= 1
            if _log_users == 0:
                OPENCV_LOG.setLogLevel(_log_level)
