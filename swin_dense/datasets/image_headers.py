"""What the first bytes of a picture say, before anything of it is decoded: format, size, orientation, and its end."""

import io
import mmap
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from PIL import Image

_SIGNATURES = {
    'JPEG': rb'\xff\xd8\xff',
    'PNG': rb'\x89PNG\r\n\x1a\n',
    'GIF': rb'GIF8[79]a',
    'WebP': rb'RIFF....WEBP',
    'TIFF': rb'II[*+]\0|MM\0[*+]',
    'BMP': rb'BM',
    'JPEG 2000': rb'\0\0\0\x0cjP  |\xff\x4f\xff\x51',
    'AVIF': rb'....ftyp(?:avi[fs]|.{0,48}avif)',
    'HEIC': rb'....ftyp(?:hei|hev|mif1)',
    'PNM': rb'P[1-6]\s',
    'PFM': rb'P[Ff]\s',
}
_PATTERNS = {kind: re.compile(signature, re.DOTALL) for kind, signature in _SIGNATURES.items()}
_PILLOW_FORMATS = ('AVIF', 'BMP', 'GIF', 'JPEG2000', 'PPM', 'WEBP')
# what readers of Pillow, and ours, raise of bytes that make no sense
HEADER_ERRORS = (OSError, ValueError, SyntaxError, LookupError, RuntimeError, OverflowError, struct.error)
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
_WIDTH, _HEIGHT, _ORIENTATION, _SAMPLE_FORMAT = 256, 257, 274, 339  # tags of TIFF and EXIF


Content = bytes | mmap.mmap


_pillow_lock = threading.Lock()


class UnreadableImage(ValueError):  # noqa: N818 - a state of the file, not a fault of the program
    """A file gives no pixels; the message is the reason alone, without the path."""


class Header(NamedTuple):
    """Size as stored, in pixels, and the EXIF orientation, 1 to 8, that is to be applied to it."""

    height: int
    width: int
    orientation: int


def format_of(content: Content) -> str:
    """The name of a format, by its signature. Raises UnreadableImage."""
    start = content[:64]
    if not start:
        raise UnreadableImage('empty file')
    kind = next((kind for kind, pattern in _PATTERNS.items() if pattern.match(start)), None)
    if kind == 'HEIC':
        raise UnreadableImage('HEIC is not supported; convert it to JPEG or PNG')
    if kind == 'PFM':
        raise UnreadableImage('pixels are floats, whose range is unknown; convert it to 8 or 16 bits')
    if kind is None:
        raise UnreadableImage(f'not a picture (starts with {start[:24]!r})')
    return kind


def read_header(content: Content, kind: str) -> Header:
    """Of a format that `format_of` gave. Raises UnreadableImage."""
    readers: dict[str, Callable[[Content], Header | None]]
    readers = {'JPEG': _jpeg_header, 'PNG': _png_header, 'TIFF': _tiff_header}
    try:
        header = readers.get(kind, _pillow_header)(content)
    except UnreadableImage:
        raise
    except HEADER_ERRORS:
        header = None
    if header is None or header.height < 1 or header.width < 1:
        raise UnreadableImage(f'truncated or damaged {kind}: its header cannot be read')
    return header


def check_whole(content: bytes, kind: str) -> None:
    """Refuse a JPEG or PNG that ends early, of which decoders make a picture. Raises UnreadableImage."""
    if (kind == 'JPEG' and not _is_whole_jpeg(content)) or (kind == 'PNG' and not _is_whole_png(content)):
        raise UnreadableImage(f'truncated {kind}')


def _jpeg_segments(content: Content) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of the segments, up to where the picture or the file ends."""
    position = 2
    while 0 <= (position := content.find(b'\xff', position)) < len(content) - 1:
        marker = content[position + 1]
        if marker == 0xFF:  # filling
            position += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 2
        elif marker == 0xD9:
            yield marker, position + 2, position + 2
            return
        else:
            end = position + 2 + int.from_bytes(content[position + 2 : position + 4], 'big')
            yield marker, position + 4, end
            if marker == 0xDA:  # coded data: no marker in it but restarts
                found = re.compile(rb'\xff[^\x00\xff\xd0-\xd7]').search(content, end)
                end = found.start() if found else len(content)
            position = end


def _jpeg_header(content: Content) -> Header | None:
    orientation = 1
    for marker, start, end in _jpeg_segments(content):
        if marker == 0xE1 and content[start : start + 6] == b'Exif\0\0':
            orientation = _exif_orientation(content[start + 6 : end])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack('>HH', content[start + 1 : start + 5])
            return Header(height, width, orientation)
    return None


def _is_whole_jpeg(content: bytes) -> bool:
    return any(marker == 0xD9 for marker, _, _ in _jpeg_segments(content))


def _png_chunks(content: Content) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of the chunks, as far as they are whole."""
    position = 8
    while position + 12 <= len(content):
        start = position + 8
        end = start + int.from_bytes(content[position : position + 4], 'big')
        if end + 4 > len(content):
            return
        yield content[position + 4 : position + 8], start, end
        position = end + 4


def _png_header(content: Content) -> Header:
    width, height = struct.unpack('>II', content[16:24])
    orientation = 1
    for name, start, end in _png_chunks(content):
        if name == b'eXIf':
            orientation = _exif_orientation(content[start:end])
        if name == b'IDAT':
            break
    return Header(height, width, orientation)


def _is_whole_png(content: bytes) -> bool:
    view = memoryview(content)
    for name, start, end in _png_chunks(content):
        if name[:1].isupper() and zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4], 'big'):
            raise UnreadableImage(f'damaged PNG: wrong checksum of {name.decode("latin-1")}')
        if name == b'IEND':
            return True
    return False


def _tiff_header(content: Content) -> Header:
    tags = _first_values(content)
    if tags.get(_SAMPLE_FORMAT, 1) != 1:
        raise UnreadableImage('pixels are floats or signed, whose range is unknown; convert it to 8 or 16 bits')
    return Header(tags[_HEIGHT], tags[_WIDTH], tags.get(_ORIENTATION, 1))


def _exif_orientation(content: bytes) -> int:
    try:
        return _first_values(content.removeprefix(b'Exif\0\0')).get(_ORIENTATION, 1)
    except (struct.error, LookupError):
        return 1  # as OpenCV takes damaged EXIF


def _first_values(content: Content) -> dict[int, int]:
    """The first value of each integer tag of a TIFF's first page, or of EXIF data, which has the same structure."""
    order = {b'II': '<', b'MM': '>'}[content[:2]]
    is_big = struct.unpack(f'{order}H', content[2:4])[0] == 43
    offset_format, count_format, entry_size = ('Q', 'Q', 20) if is_big else ('I', 'H', 12)
    offset = struct.unpack_from(f'{order}{offset_format}', content, 8 if is_big else 4)[0]
    count = struct.unpack_from(f'{order}{count_format}', content, offset)[0]
    offset += 8 if is_big else 2
    tags = {}
    for entry in range(offset, offset + min(count, 4096) * entry_size, entry_size):
        tag, kind, values = struct.unpack_from(f'{order}HH{offset_format}', content, entry)
        code, size = {1: ('B', 1), 3: ('H', 2), 4: ('I', 4), 16: ('Q', 8)}.get(kind, ('', 0))
        if size:
            field = entry + (12 if is_big else 8)
            if values * size > (8 if is_big else 4):
                field = struct.unpack_from(f'{order}{offset_format}', content, field)[0]
            tags[tag] = struct.unpack_from(f'{order}{code}', content, field)[0]
    return tags


@contextmanager
def opened_by_pillow(content: Content) -> Iterator[Image.Image]:
    """Without Pillow's own limit, which is for all of the process: hence one thread at a time, and put back."""
    with _pillow_lock:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            with Image.open(io.BytesIO(content), formats=_PILLOW_FORMATS) as image:
                yield image
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _pillow_header(content: Content) -> Header:
    with opened_by_pillow(content) as image:
        return Header(image.height, image.width, _exif_orientation(image.info.get('exif', b'')))
