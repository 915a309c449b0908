"""Masks of colours, and the map that says which class a colour is."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from swin_dense.engine.errors import DataError
from swin_dense.engine.mask_form import packed_colors

_SHOWN = 5
Color = tuple[int, int, int]


def color_numbers(
    mask_colors: Mapping[Any, Sequence[int]] | str | None,
    *,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    ignore_index: int,
) -> dict[Color, int] | None:
    """Give the number for each colour, (red, green, blue), of 0 to 255.

    Args:
        mask_colors: class name or number -> colour; 'palette': the colours of the classes; None: there are no colours.

    Raises:
        ValueError: a name is no class, two numbers have one colour, a colour is none.
    """
    if mask_colors is None:
        return None
    if mask_colors == 'palette':
        if not palette:
            raise ValueError("mask_colors='palette' takes the colours of metainfo's palette, and there is none.")
        mask_colors = dict(enumerate(palette))
    if not isinstance(mask_colors, Mapping):
        raise ValueError(f"mask_colors is a dict of name or number -> (r, g, b), or 'palette'; found {mask_colors!r}.")
    numbers: dict[Color, int] = {}
    for name, color in mask_colors.items():
        number = _number_of(name, classes, ignore_index)
        if len(color) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in color):
            raise ValueError(f'mask_colors[{name!r}] is {color!r}; a colour is (r, g, b), each from 0 to 255.')
        key = (color[0], color[1], color[2])
        if numbers.setdefault(key, number) != number:
            raise ValueError(f'mask_colors gives {key} to the numbers {numbers[key]} and {number}; a colour has one.')
    return numbers


def _number_of(name: Any, classes: Sequence[str], ignore_index: int) -> int:
    if name in classes:
        return list(classes).index(name)
    if isinstance(name, str) and name.isdecimal():  # JSON has no numbers as keys
        name = int(name)
    if isinstance(name, int) and (0 <= name < len(classes) or name == ignore_index):
        return name
    raise ValueError(
        f'mask_colors names {name!r}, which is neither a class ({", ".join(classes)}), nor the number of one, nor '
        f'{ignore_index}, the number for what does not count.'
    )


def refuse_other_numbers(mask: np.ndarray, numbers: Mapping[Color, int], *, path: str) -> None:
    """Raise DataError for a mask (H, W) of one channel whose colours, by the map, are other classes than its numbers.

    Numbers count where a mask has one channel; but the indices of a palette may be in another order than the classes,
    and a mask of black and white may be meant to have the colours black and white.
    """
    try:
        with Image.open(path) as image:
            palette = image.getpalette() if image.mode == 'P' else None
    except OSError:  # of a backend that is not this machine's files
        palette = None
    values = np.unique(mask).tolist()
    found = contradictions(values, numbers, palette=palette_colors(palette, values))
    if found:
        raise DataError(
            f'{path}: the mask has one channel, and its colours are other classes than its numbers by mask_colors: '
            f"{'; '.join(found[:_SHOWN])}. Where colours count: Image.open(path).convert('RGB').save(path). Where "
            'numbers do: leave mask_colors out.'
        )


def palette_colors(palette: Sequence[int] | None, values: Sequence[int]) -> dict[int, Color] | None:
    """The colour of each value by a palette of Pillow, [red, green, blue, red, ...]; black where it ends before."""
    if palette is None:
        return None
    padded = [*palette, *[0] * (768 - len(palette))]
    return {value: (padded[3 * value], padded[3 * value + 1], padded[3 * value + 2]) for value in values}


def contradictions(
    values: Collection[int], numbers: Mapping[Color, int], *, palette: Mapping[int, Color] | None
) -> list[str]:
    """Say which values of a mask of one channel are other numbers by their colours.

    Args:
        palette: colour of each value; None for grey levels, which are colours only if all of them are in the map.
    """
    what = 'value' if palette is None else 'index'
    colors = palette or {value: (value, value, value) for value in values}
    if palette is None and not all(color in numbers for color in colors.values()):
        return []
    wrong = {value: colors[value] for value in values if numbers.get(colors[value]) != value}
    if palette is None and not any(wrong):  # all black: an image without objects
        return []
    return [
        f'{what} {value} has the colour {color}, which is {numbers.get(color, "no class")}'
        for value, color in wrong.items()
    ]


def numbers_of_colors(mask_BGR: np.ndarray, numbers: Mapping[Color, int], *, path: str) -> np.ndarray:
    """Give the class numbers (H, W), uint8, of a mask of colours (H, W, 3 or 4), uint8, as mmcv reads it.

    Raises:
        DataError: a colour is not in the map, or a pixel is transparent.
    """
    if mask_BGR.shape[2] == 4 and mask_BGR[..., 3].min() < 255:
        count = int((mask_BGR[..., 3] < 255).sum())
        raise DataError(
            f'{path}: {count:,} pixels of the mask are transparent; their colours mean nothing. Give them a colour of '
            'mask_colors, and save the mask without an alpha channel.'
        )
    keys_HW = packed_colors(mask_BGR)
    known = sorted((red << 16 | green << 8 | blue, number) for (red, green, blue), number in numbers.items())
    known_keys = np.array([key for key, _ in known], np.uint32)
    places_HW = np.searchsorted(known_keys, keys_HW).clip(max=len(known) - 1)
    strange_HW = known_keys[places_HW] != keys_HW
    if strange_HW.any():
        raise DataError(f'{path}: {_strange_colors(keys_HW[strange_HW])}')
    return np.array([number for _, number in known], np.uint8)[places_HW]


def _strange_colors(keys: np.ndarray) -> str:
    found, counts = np.unique(keys, return_counts=True)
    most = np.argsort(-counts, kind='stable')[:_SHOWN]
    shown = ', '.join(
        f'({found[place] >> 16}, {found[place] >> 8 & 255}, {found[place] & 255}) on {counts[place]:,} pixels'
        for place in most
    )
    more = f' and {len(found) - _SHOWN:,} more' if len(found) > _SHOWN else ''
    return (
        f'the mask has colours that mask_colors does not name: {shown}{more}. Name them (255 for what does not count)'
        + ('; so many colours mean that the mask was smoothed or saved as JPEG: export it again.' if more else '.')
    )
