"""A folder of pictures as they are: good ones of every kind, and files that no program can read, each with a reason."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 33, 50


class HostileFolder(NamedTuple):
    """Attributes:

    good: relative path -> (height, width) that inference should see.
    bad: relative path -> a word of the reason. Found while listing or while reading.
    """

    good: dict[str, tuple[int, int]]
    bad: dict[str, str]


def picture(height=HEIGHT, width=WIDTH, channels=3):
    """Smooth colours that differ everywhere, with a red square in the corner (0, 0)."""
    random = np.random.default_rng(0).random((4, 5, channels))
    image = (cv2.resize(random, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255).astype(np.uint8)
    image = image.reshape(height, width, channels)
    image[: height // 4, : width // 4] = (255, 0, 0, 128)[:channels] if channels > 1 else 255
    return image


def encoded(image, kind, **options):
    """The bytes of an array or Pillow image in one of Pillow's formats."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation(image, orientation, kind='JPEG', **options):
    exif = Image.Exif()
    exif[0x112] = orientation
    return encoded(image, kind, exif=exif, **options)


def opencv_encoded(image, suffix):
    # lossless also where OpenCV would not be
    options = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == '.jp2' else []
    done, content = cv2.imencode(suffix, image, options)
    assert done
    return content.tobytes()


def png_chunk(name, data):
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


def bomb(height=30_000, width=40_000):
    """A PNG of 1.2 billion pixels in its header, without them."""
    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        png_chunk(name, data) for name, data in ((b'IHDR', head), (b'IDAT', zlib.compress(bytes(999))), (b'IEND', b''))
    )


def write_hostile_folder(folder: Path) -> HostileFolder:
    """Write about 40 files below `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    good, bad = _good(), _bad()
    for name, content in (good | bad).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[0])
    (folder / 'folder.jpg').mkdir()
    (folder / 'dangling.jpg').symlink_to('nowhere.jpg')
    os.mkfifo(folder / 'pipe.png')
    (folder / 'sub' / 'circle').symlink_to('..')
    (folder / 'notes.md').write_text('not an input')
    (folder / '.hidden.jpg').write_text('not an input')
    reasons = {name: content[1] for name, content in bad.items()}
    reasons |= {'folder.jpg': 'folder', 'dangling.jpg': 'dangling', 'pipe.png': 'pipe'}
    if os.geteuid() != 0:  # who is root may read everything
        (folder / 'locked.jpg').write_bytes(encoded(picture(), 'JPEG'))
        (folder / 'locked.jpg').chmod(0)
        reasons['locked.jpg'] = 'permission'
    return HostileFolder({name: content[1] for name, content in good.items()}, reasons)


def _good():
    colour, alpha, size = picture(), picture(channels=4), (HEIGHT, WIDTH)
    grey = Image.fromarray(colour).convert('L')
    deep = picture().astype(np.uint16) * 257
    other = Image.fromarray(colour[::-1])
    rgb = Image.fromarray(colour)
    files = {
        'plain.jpg': encoded(colour, 'JPEG'),
        'progressive.jpeg': encoded(colour, 'JPEG', progressive=True),
        'plain.png': encoded(colour, 'PNG'),
        'trailing.jpg': encoded(colour, 'JPEG') + b'what a camera appends' * 9,
        'cmyk.jpg': encoded(rgb.convert('CMYK'), 'JPEG'),
        'upside_down.jpg': with_orientation(rgb, 3),
        'grey.png': encoded(grey, 'PNG'),
        'grey_alpha.png': encoded(grey.convert('LA'), 'PNG'),
        'one_bit.png': encoded(grey.convert('1'), 'PNG'),
        'palette.png': encoded(rgb.convert('P'), 'PNG'),
        'palette_transparent.png': encoded(rgb.convert('P'), 'PNG', transparency=3),
        'rgba.png': encoded(alpha, 'PNG'),
        'grey_16.png': opencv_encoded(deep[..., 0], '.png'),
        'colour_16.png': opencv_encoded(deep[..., ::-1], '.png'),
        'animated.gif': encoded(rgb, 'GIF', save_all=True, append_images=[other]),
        'animated.webp': encoded(rgb, 'WEBP', save_all=True, append_images=[other]),
        'pages.tiff': encoded(rgb, 'TIFF', save_all=True, append_images=[other]),
        'plain.bmp': encoded(colour, 'BMP'),
        'sub/plain.jpg': encoded(colour, 'JPEG'),
        'sub/UPPER.JPG': encoded(colour, 'JPEG'),
        'sub/with spaces, [brackets] & #.jpg': encoded(colour, 'JPEG'),
        'ünïcödé 图片 🖼.png': encoded(colour, 'PNG'),
        f'{"long" * 60}.png': encoded(colour, 'PNG'),
        os.fsdecode(b'latin_\xe9.png'): encoded(colour, 'PNG'),
        'jpeg_inside.png': encoded(colour, 'JPEG'),
    }
    return {name: (content, size) for name, content in files.items()} | {
        'sideways.jpg': (with_orientation(rgb, 6), (WIDTH, HEIGHT)),
        'dot.png': (encoded(picture(1, 1), 'PNG'), (1, 1)),
        'strip.png': (encoded(picture(1, 5000), 'PNG'), (1, 5000)),
        'column.jpg': (encoded(picture(5000, 1), 'JPEG'), (5000, 1)),
    }


def _bad():
    jpeg, png = (encoded(picture(300, 400), kind) for kind in ('JPEG', 'PNG'))
    broken = bytearray(png)
    broken[len(png) // 2] ^= 0xFF
    return {
        'truncated.jpg': (jpeg[: len(jpeg) // 2], 'truncated'),
        'without_end.jpg': (jpeg[:-2], 'truncated'),
        'truncated.png': (png[: len(png) // 2], 'truncated'),
        'sub/broken.png': (bytes(broken), 'checksum'),
        'truncated.gif': (encoded(picture(), 'GIF')[:900], 'truncated'),
        'truncated.webp': (encoded(picture(), 'WEBP')[:200], 'truncated'),
        'only_header.jpg': (jpeg[:20], 'header'),
        'empty.jpg': (b'', 'empty'),
        'text.png': (b'This is a text.\n', 'This is'),
        'page.jpg': (b'<!DOCTYPE html><title>404</title>', 'DOCTYPE'),
        'bomb.png': (bomb(), '1,200,000,000'),
        'float.tiff': (encoded(Image.fromarray(np.ones((9, 9), np.float32)), 'TIFF'), 'float'),
    }
