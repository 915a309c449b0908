"""Pictures whose class is an arrangement: where a cross lies, seen from a ring.

Every picture has the same three marks, each in its colour, at places that are equally likely: counts of colours and
single marks say nothing, and neither does a patch of 20 pixels. The class is the direction from the ring to the cross,
one of eight, and they are at least 22 pixels apart.
"""

from collections.abc import Iterator

import numpy as np

from .demo_drawing import DIRECTIONS, SUB, TURN, UNIT, Colour, Dice, Loops, blend, coverage, place, plain
from .demo_scenes import SHAPES

SIDE = 64  # pixels
# of y downwards, in steps of an eighth of a turn, clockwise
ARRANGEMENTS = ('right', 'lower_right', 'below', 'lower_left', 'left', 'upper_left', 'above', 'upper_right')
_EIGHTH = TURN // len(ARRANGEMENTS)
_SPREAD = 7  # directions to either side: 21 degrees of the 22.5 to the next class, so that places matter
_TILT = 4
_DISTANCES = (22, 36)  # pixels
_MARGIN = 8
_APART = 16  # of marks that say nothing, from all others
_DISTRACTORS = ('square',)
_COLOURS: dict[str, Colour] = {'ring': (225, 150, 60), 'cross': (90, 150, 230), 'square': (120, 210, 110)}


def arrangements(seed: int, split: int, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """(label of ARRANGEMENTS, (SIDE, SIDE, 3) uint8 RGB), each class in turn."""
    for number in range(count):
        label = number % len(ARRANGEMENTS)
        yield label, _picture(Dice(seed, split, number, 3), label)


def _picture(dice: Dice, label: int) -> np.ndarray:
    image = plain(dice.colour((0, 0, 0), (90, 90, 90)), SIDE, SIDE)
    image = image + (dice.clouds(SIDE, SIDE, (16, 16)) - 128)[..., None] // 8
    for shape, loops in _marks(dice, label):
        red, green, blue = (max(0, min(255, part + dice.integer(-30, 30))) for part in _COLOURS[shape])
        blend(image, plain((red, green, blue), SIDE, SIDE), coverage(loops, SIDE, SIDE))
    noise = dice.octets(SIDE, 3 * SIDE).reshape(SIDE, SIDE, 3) - 128
    return np.clip(image + noise // 16, 0, 255).astype(np.uint8)


def _marks(dice: Dice, label: int) -> list[tuple[str, Loops]]:
    centres = _pair(dice, label)
    while len(centres) < 2 + len(_DISTRACTORS):
        centre = _point(dice)
        if all(_distance_squared(centre, other) >= (_APART * SUB) ** 2 for other in centres):
            centres.append(centre)
    marks = []
    for shape, centre in zip(('ring', 'cross', *_DISTRACTORS), centres, strict=True):
        radius, turn = dice.integer(6 * SUB, 8 * SUB), dice.integer(-_TILT, _TILT)
        marks.append((shape, place(SHAPES[shape], centre=centre, radius=radius, stretch=100, turn=turn)))
    return sorted(marks, key=lambda _: dice.integer(0, 1 << 30))


def _pair(dice: Dice, label: int) -> list[tuple[int, int]]:
    """Centres (x, y) of the ring and of the cross, in sub-pixels."""
    turn = (label * _EIGHTH + dice.integer(-_SPREAD, _SPREAD)) % TURN
    while True:
        ring, distance = _point(dice), dice.integer(_DISTANCES[0] * SUB, _DISTANCES[1] * SUB)
        x, y = (int(start + part * distance // UNIT) for start, part in zip(ring, DIRECTIONS[turn], strict=True))
        if all(_MARGIN * SUB <= each <= (SIDE - _MARGIN) * SUB for each in (x, y)):
            return [ring, (x, y)]


def _point(dice: Dice) -> tuple[int, int]:
    return dice.integer(_MARGIN * SUB, (SIDE - _MARGIN) * SUB), dice.integer(_MARGIN * SUB, (SIDE - _MARGIN) * SUB)


def _distance_squared(first: tuple[int, int], second: tuple[int, int]) -> int:
    return (first[0] - second[0]) ** 2 + (first[1] - second[1]) ** 2
