"""Drawing in whole numbers, so that the demo data has the same bytes on every machine.

Nothing here rounds differently on another processor, numpy or C library: random numbers are raw 64-bit words of PCG64
(whose stream numpy guarantees), coordinates are fixed point, colours are integers from 0 to 255. Sizes are in pixels
unless the name says otherwise; arrays are (H, W) or (H, W, 3); points are (x, y).
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Choice = TypeVar('Choice')
Colour = tuple[int, int, int]
Loops = list[np.ndarray]  # closed polygons, (number of points, 2) each; what an odd number of them encloses is inside

UNIT = 4096  # fixed-point 1.0 of directions and of shapes given for a radius of 1
TURN = 120  # directions in a full turn: divisible by the corners of every shape
UP = TURN * 3 // 4  # the direction (0, -1)
SUB = 4  # sub-pixels per pixel side; positions of vertices are whole sub-pixels
FULL = SUB * SUB  # coverage of a pixel that is wholly inside

# No product lies near enough to a half for an inexact cosine to change its rounding (tested).
DIRECTIONS = np.array(
    [[round(UNIT * math.cos(math.tau * k / TURN)), round(UNIT * math.sin(math.tau * k / TURN))] for k in range(TURN)]
)


class Dice:
    """Random integers from one PCG64 stream; equal `seeds` give equal draws everywhere."""

    def __init__(self, *seeds: int):
        self.bits = np.random.PCG64(np.random.SeedSequence(seeds))

    def integer(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`, both included."""
        return low + self.bits.random_raw() % (high - low + 1)

    def chance(self, percent: int) -> bool:
        return self.integer(0, 99) < percent

    def choice(self, options: Sequence[Choice]) -> Choice:
        return options[self.integer(0, len(options) - 1)]

    def colour(self, lows: Colour, highs: Colour) -> Colour:
        red, green, blue = (self.integer(low, high) for low, high in zip(lows, highs, strict=True))
        return red, green, blue

    def octets(self, height: int, width: int) -> np.ndarray:
        """Return an (height, width) array of numbers from 0 to 255, all independent."""
        words = self.bits.random_raw(-(-height * width // 8)).astype('<u8')
        return words.view(np.uint8)[: height * width].reshape(height, width).astype(np.int64)

    def clouds(self, height: int, width: int, cell: tuple[int, int]) -> np.ndarray:
        """Return smooth noise from 0 to 255: random values on a grid of `cell` (height, width), interpolated."""
        cell_height, cell_width = cell
        grid = self.octets(height // cell_height + 2, width // cell_width + 2)
        row, y = np.divmod(np.arange(height), cell_height)
        column, x = np.divmod(np.arange(width), cell_width)
        rows = grid[row] * (cell_height - y)[:, None] + grid[row + 1] * y[:, None]
        return (rows[:, column] * (cell_width - x) + rows[:, column + 1] * x) // (cell_height * cell_width)


def regular_polygon(corners: int, *, radius: int = UNIT, first: int = 0) -> np.ndarray:
    """Return corners on a circle; `first` is the direction of the first one."""
    return np.roll(DIRECTIONS, -first, axis=0)[:: TURN // corners] * radius // UNIT


def star(inner_radius: int) -> np.ndarray:
    """Return a five-pointed star that points up."""
    corners = regular_polygon(10, first=UP)
    corners[1::2] = corners[1::2] * inner_radius // UNIT
    return corners


def cross(half_width: int) -> np.ndarray:
    """Return a plus sign that touches the circle of radius UNIT with its arms' corners."""
    a, b = half_width, math.isqrt(UNIT * UNIT - half_width * half_width)
    return np.array(
        [[b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a], [-a, -b], [a, -b], [a, -a], [b, -a]]
    )


def place(loops: Loops, *, centre: tuple[int, int], radius: int, stretch: int, turn: int) -> Loops:
    """Scale unit loops to `radius`, their first axis by `stretch` percent, turn them, and move them to `centre`.

    `centre`, `radius` and the result are in sub-pixels.
    """
    cos, sin = DIRECTIONS[turn % TURN]
    placed = []
    for loop in loops:
        x, y = loop[:, 0] * stretch // 100, loop[:, 1]
        turned = np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)
        placed.append(turned * radius // (UNIT * UNIT) + np.array(centre))
    return placed


def coverage(loops: Loops, height: int, width: int) -> np.ndarray:
    """Count the sub-pixels of each pixel whose centre an odd number of `loops` encloses: (height, width), 0 to FULL."""
    share = np.zeros((height, width), np.int64)
    corners = np.concatenate(loops)
    left, top = np.clip(corners.min(axis=0) // SUB, 0, (width, height)).tolist()
    right, bottom = np.clip(-(-corners.max(axis=0) // SUB), 0, (width, height)).tolist()
    if left < right and top < bottom:  # else all of it lies outside
        moved = [loop - (left * SUB, top * SUB) for loop in loops]
        share[top:bottom, left:right] = _rasterise(moved, bottom - top, right - left)
    return share


def _rasterise(loops: Loops, height: int, width: int) -> np.ndarray:
    rows, columns = height * SUB, width * SUB
    flips = np.zeros((rows, columns + 1), np.uint8)
    for loop in loops:
        for (x1, y1), (x2, y2) in zip(loop.tolist(), np.roll(loop, -1, axis=0).tolist(), strict=True):
            if y1 == y2:
                continue
            if y1 > y2:
                x1, y1, x2, y2 = x2, y2, x1, y1
            row = np.arange(max(y1, 0), min(y2, rows))
            # The edge meets the middle of a row, y = row + 1/2, at x = numerator / denominator; from the first
            # column with column + 1/2 >= x onwards, everything changes sides.
            denominator = 2 * (y2 - y1)
            numerator = x1 * denominator + (2 * row + 1 - 2 * y1) * (x2 - x1)
            column = -((denominator // 2 - numerator) // denominator)
            flips[row, np.minimum(np.maximum(column, 0), columns)] ^= 1
    inside = np.bitwise_xor.accumulate(flips, axis=1)[:, :columns]
    return inside.reshape(height, SUB, width, SUB).sum(axis=(1, 3), dtype=np.int64)


def plain(colour: Colour, height: int, width: int) -> np.ndarray:
    return np.broadcast_to(np.array(colour), (height, width, 3)).copy()


def blend(canvas: np.ndarray, paint: np.ndarray | Colour, weight: np.ndarray, full: int = FULL) -> None:
    """Move `canvas` (H, W, 3) towards `paint` by weight / full, in place."""
    canvas += (np.asarray(paint) - canvas) * weight[..., None] // full


def ramp(height: int, width: int, direction: int) -> np.ndarray:
    """Return a plane that rises along a direction (0 to TURN - 1) from -128 at one corner to 128 at the other."""
    cos, sin = DIRECTIONS[direction % TURN].tolist()
    x = 2 * np.arange(width) - (width - 1)
    y = 2 * np.arange(height) - (height - 1)
    return (x[None, :] * cos + y[:, None] * sin) * 128 // (abs(cos) * width + abs(sin) * height)


def stripes(height: int, width: int, direction: int, period: int) -> np.ndarray:
    """Return 0 and 1 in stripes of `period` pixels, square to a direction."""
    cos, sin = DIRECTIONS[direction % TURN].tolist()
    return (np.arange(width)[None, :] * cos + np.arange(height)[:, None] * sin) // (period * UNIT) % 2


def pattern(dice: Dice, kind: str, height: int, width: int) -> np.ndarray:
    """Return how much of a second colour a surface shows, from 0 to 255, for one of `PATTERNS`."""
    direction = dice.integer(0, TURN - 1)
    if kind == 'stripes':
        return 255 * stripes(height, width, direction, dice.integer(2, 5))
    if kind == 'checks':
        period = dice.integer(3, 6)
        return 255 * (stripes(height, width, direction, period) ^ stripes(height, width, direction + TURN // 4, period))
    if kind == 'gradient':
        return 128 + ramp(height, width, direction) * 127 // 128
    if kind == 'speckles':
        return 255 * (dice.octets(height, width) < 60)
    if kind == 'marble':
        return np.abs(2 * dice.clouds(height, width, (7, 7)) - 255)
    return np.zeros((height, width), np.int64)


PATTERNS = ('plain', 'stripes', 'checks', 'gradient', 'speckles', 'marble')
