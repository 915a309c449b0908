"""Lines of text as pixels, for names on pictures. Every function may be called from several threads at once."""

import os
import unicodedata
from functools import lru_cache

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from swin_dense.datasets.palettes import blend, ink_on

SMALLEST_FONT = 9  # pixels


@lru_cache(maxsize=512)
def line_of_text(text: str, size: int, width: int) -> np.ndarray:
    """How much ink each pixel of a line of text has, with a margin around: (h, w) uint8, read-only.

    A text wider than `width` is set smaller, then wrapped; it is wider in the end only where one letter is.
    """
    # A name of a foreign file may hold anything: accents apart from their letters, tabs, halves of characters.
    text = unicodedata.normalize('NFC', text)
    text = ' '.join(''.join(c if c.isprintable() else ' ' if c.isspace() else '\ufffd' for c in text).split())
    smallest = min(size, max(SMALLEST_FONT, size * 3 // 5))
    while size > smallest and _span(text, size) > width - 2 * _margin(size):
        size -= 1
    return _rendered(_wrapped(text, size, width - 2 * _margin(size)), size)


def _wrapped(text: str, size: int, room: int) -> list[str]:
    """Lines of whole words; a word wider than `room` is divided."""
    if _span(text, size) <= room:
        return [text]
    lines = ['']
    for word in text.split(' '):
        if _span(f'{lines[-1]} {word}'.strip(), size) <= room:
            lines[-1] = f'{lines[-1]} {word}'.strip()
            continue
        if lines[-1]:
            lines.append('')
        for letter in word:
            if lines[-1] and _span(lines[-1] + letter, size) > room:
                lines.append('')
            lines[-1] += letter
    return lines


def _rendered(lines: list[str], size: int) -> np.ndarray:
    font, margin = _font(size), _margin(size)
    ascent, descent = font.getmetrics()
    bounds = np.array([_bounds(line, size) for line in lines])
    # A letter with two accents is higher than the font says.
    ascent, descent = max(ascent, -int(bounds[:, 1].min())), max(descent, int(bounds[:, 3].max()))
    start = margin - int(bounds[:, 0].min())
    step = ascent + descent
    canvas = Image.new('L', (start + int(bounds[:, 2].max()) + margin, len(lines) * step + margin))
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((start, number * step + ascent + margin // 2), line, fill=255, font=font, anchor='ls')
    ink = np.array(canvas)
    ink.flags.writeable = False
    return ink


def printed(text: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: the text in black or white on a plate of `colour`."""
    return blend(colour, ink_on(colour), np.arange(256)[:, None] / 255)[text]


def _span(text: str, size: int) -> int:
    left, _, right, _ = _bounds(text, size)
    return right - left


@lru_cache(maxsize=512)
def _bounds(text: str, size: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the ink, in pixels from the start of the line; top is negative."""
    left, top, right, bottom = _font(size).getbbox(text, anchor='ls')
    return int(left), int(top), int(right), int(bottom)


def _margin(size: int) -> int:
    return max(2, size // 5)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib ships, in the layout that every build of Pillow has."""
    path = os.path.join(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf')
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
