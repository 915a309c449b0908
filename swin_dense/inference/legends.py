"""The legend of a picture: swatches, names and shares of its classes, in columns beside or below it."""

from __future__ import annotations

import numpy as np

from swin_dense.inference.texts import SMALLEST_FONT, line_of_text

_WIDE = 1.5  # width / height from which a legend goes below the picture


def with_legend(picture: np.ndarray, names: list[str], shares: list[str], colours: np.ndarray) -> np.ndarray:
    """The picture with a white field at its right or bottom: a swatch, a name and a share a class, in columns."""
    height, width = picture.shape[:2]
    size = font_size(picture)
    below = width >= _WIDE * height
    share_texts = [line_of_text(share, size, max(height, width)) for share in shares]
    swatch, gap = size, size // 2
    # gap, swatch, gap, name, share, gap
    other = 3 * gap + swatch + max(text.shape[1] for text in share_texts)
    name_texts = [line_of_text(name, size, max(height, width) // 2 - other) for name in names]
    widest = other + max(text.shape[1] for text in name_texts)
    heights = [max(name.shape[0], share.shape[0]) for name, share in zip(name_texts, share_texts, strict=True)]
    count = max(1, width // widest) if below else max(_column_numbers(heights, height - 2 * gap)) + 1
    limit = max(*heights, -(-sum(heights) // count))
    while max(column_of := _column_numbers(heights, limit)) >= count:
        limit += 1
    field = np.full((limit + 2 * gap, 0, 3), 255, np.uint8)
    for column in range(max(column_of) + 1):
        members = [number for number, place in enumerate(column_of) if place == column]
        strip = np.full((len(field), other + max(name_texts[n].shape[1] for n in members), 3), 255, np.uint8)
        top = gap
        for number in members:
            name, share = name_texts[number], share_texts[number]
            strip[top + (share.shape[0] - swatch) // 2 :][:swatch, gap : gap + swatch] = colours[number]
            for text, left in ((name, 2 * gap + swatch), (share, strip.shape[1] - gap - share.shape[1])):
                strip[top : top + text.shape[0], left : left + text.shape[1]] = 255 - text[..., None]
            top += heights[number]
        field = np.concatenate([field, strip], axis=1)
    return _joined(picture, field, below)


def _column_numbers(heights: list[int], limit: int) -> list[int]:
    """The column of each entry, where columns are filled one after the other up to a height of `limit`."""
    numbers, column, filled = [], 0, 0
    for height in heights:
        if filled and filled + height > limit:
            column, filled = column + 1, 0
        filled += height
        numbers.append(column)
    return numbers


def _joined(picture: np.ndarray, field: np.ndarray, below: bool) -> np.ndarray:
    height, width = picture.shape[:2]
    if below:
        whole = np.full((height + field.shape[0], max(width, field.shape[1]), 3), 255, np.uint8)
        whole[height:, : field.shape[1]] = field
    else:
        whole = np.full((max(height, field.shape[0]), width + field.shape[1], 3), 255, np.uint8)
        whole[: field.shape[0], width:] = field
    whole[:height, :width] = picture
    return whole


def percent(share: float) -> str:
    """A share from 0 to 1, to a tenth of a percent."""
    return f'{100 * share:.1f} %' if share >= 0.0005 else '<0.1 %'


def font_size(picture: np.ndarray) -> int:
    """Of names on a picture, in pixels."""
    height, width = picture.shape[:2]
    size = max(13, round(max(height, width) / 75))
    return min(size, max(SMALLEST_FONT, min(height, width) * 3 // 5))  # a strip holds one line
