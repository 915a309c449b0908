"""Colours of classes: a palette of clearly different ones, checks of a given one, and what is derived from a colour."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

_GRID_LEVELS = 22  # per channel; about 6,400 colours pass the limits below
_LIGHTNESS = (42, 88)  # CIELAB L*: told from black (0) and white (100), and seen on a dark image
_LEAST_CHROMA = 28  # CIELAB: below it colours look grey
# Parts of white (above 0) or black (below 0) mixed into the colour of the 1st, 2nd, ... instance of a class.
_INSTANCE_SHADES = (0.0, 0.4, -0.35, 0.2, -0.18)


def distinct_palette(count: int) -> np.ndarray:
    """`count` colours that differ clearly, the same ones every time; a longer palette begins with the shorter one.

    Each colour is the one farthest in CIELAB from black, white and all colours before it. After some 6,400 colours
    they repeat.

    Returns: (count, 3) uint8 RGB.
    Raises: ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f'A palette has 0 or more colours, not {count}.')
    candidates, _ = _candidates()
    order = _farthest_first(min(1 << max(count - 1, 63).bit_length(), len(candidates)))
    return candidates[order[np.arange(count) % len(order)]]


def checked_palette(palette: Any, count: int) -> np.ndarray:
    """`palette` as an array of its own, or `distinct_palette(count)` for None.

    Args:
        palette: one RGB colour of whole numbers 0 to 255 a class, in nested lists, tuples or an array.
        count: how many classes there are.

    Returns: (count, 3) uint8 RGB.
    Raises: ValueError for a wrong length, form or value.
    """
    if palette is None:
        return distinct_palette(count)
    remedy = f'Give {count} colours [red, green, blue] of whole numbers 0 to 255, or None for distinct colours.'
    try:
        colours = np.asarray(palette)
    except (ValueError, TypeError):
        colours = np.empty(0, object)
    if colours.size == 0 and count == 0:
        return np.empty((0, 3), np.uint8)
    if colours.dtype.kind not in 'iuf' or colours.ndim != 2 or colours.shape[1] != 3:
        raise ValueError(f'A palette has three numbers a class; this one is {_shortened(palette)}. {remedy}')
    if len(colours) != count:
        raise ValueError(
            f'A palette has one colour a class; there are {count} classes, {len(colours)} colours. {remedy}'
        )
    wrong = ~((colours >= 0) & (colours <= 255) & (colours == np.floor(colours))).all(axis=1)
    if wrong.any():
        number = int(wrong.argmax())
        raise ValueError(f'Colour {number} of the palette is {colours[number].tolist()}. {remedy}')
    return colours.astype(np.uint8)


def instance_shade(colour: np.ndarray, rank: int) -> np.ndarray:
    """The colour of instance number `rank` of a class whose colour is `colour`; that of instance 0 is `colour` itself.

    Returns: (3,) uint8 RGB.
    """
    part = _INSTANCE_SHADES[rank % len(_INSTANCE_SHADES)]
    return blend(colour, 255 if part > 0 else 0, abs(part))


def ink_on(colour: np.ndarray) -> int:
    """255 (white) or 0 (black): the grey level in which text on `colour` has the higher contrast.

    Source: relative luminance and contrast ratio of WCAG 2.1. The ratios are equal at a luminance of
    sqrt(1.05 * 0.05) - 0.05.
    """
    channels = np.asarray(colour, np.float64) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return 255 if linear @ (0.2126, 0.7152, 0.0722) < (1.05 * 0.05) ** 0.5 - 0.05 else 0


def blend(colours: Any, onto: Any, part: Any) -> np.ndarray:
    """(1 - part) * colours + part * onto, rounded, uint8; arguments broadcast."""
    return np.rint(np.multiply(colours, 1 - part) + np.multiply(onto, part)).astype(np.uint8)


@lru_cache(maxsize=1)
def _candidates() -> tuple[np.ndarray, np.ndarray]:
    """The colours to choose from: (N, 3) uint8 RGB and (N, 3) float32 CIELAB."""
    levels = np.rint(np.linspace(0, 255, _GRID_LEVELS)).astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing='ij'), axis=-1).reshape(-1, 3)
    lab = _lab(colours)
    lightest, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    keep = (lightest > _LIGHTNESS[0]) & (lightest < _LIGHTNESS[1]) & (chroma > _LEAST_CHROMA)
    return colours[keep], lab[keep]


@lru_cache(maxsize=16)
def _farthest_first(count: int) -> np.ndarray:
    """Numbers of the first `count` candidates, each the farthest from all before it."""
    _, lab = _candidates()
    order = np.empty(count, np.int64)
    distances = np.full(len(lab), np.inf, np.float32)
    for anchor in _lab(np.array([(0, 0, 0), (255, 255, 255)], np.uint8)):
        distances = np.minimum(distances, np.square(lab - anchor).sum(axis=1))
    for position in range(count):
        order[position] = distances.argmax()
        distances = np.minimum(distances, np.square(lab - lab[order[position]]).sum(axis=1))
    return order


def _lab(colours: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


def _shortened(palette: Any) -> str:
    text = repr(palette)
    return text if len(text) <= 80 else f'{text[:77]}...'
