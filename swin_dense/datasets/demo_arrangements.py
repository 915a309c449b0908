"""Pictures whose class is an arrangement: where a cross lies, seen from a ring.

Every picture has the same four marks, in colours of one distribution, at places that are equally likely: counts, colours
and single marks say nothing, and neither does a patch of 20 pixels. The class is the direction from the ring to the
cross, one of eight, and they are at least 20 pixels apart.
"""

from collections.abc import Iterator

import numpy as np

from .demo_drawing import DIRECTIONS, SUB, TURN, UNIT, Dice, Loops, blend, coverage, place, plain
from .demo_scenes import SHAPES

SIDE = 64  # pixels
# of y downwards, in steps of an eighth of a turn, clockwise
ARRANGEMENTS = ('right', 'lower_right', 'below', 'lower_left', 'left', 'upper_left', 'above', 'upper_right')
_EIGHTH = TURN // len(ARRANGEMENTS)
_SPREAD = 4  # directions to either side: 12 degrees of the 22.5 to the next class
_DISTANCES = (20, 34)  # pixels
_MARGIN = 7
_APART = 13  # of marks that say nothing, from all others
_DISTRACTORS = ('square', 'triangle')


def arrangements(seed: int, split: int, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """(label of ARRANGEMENTS, (SIDE, SIDE, 3) uint8 RGB), each class in turn."""
    for number in range(count):
        label = number % len(ARRANGEMENTS)
        yield label, _picture(Dice(seed, split, number, 3), label)


def _picture(dice: Dice, label: int) -> np.ndarray:
    image = plain(dice.colour((0, 0, 0), (90, 90, 90)), SIDE, SIDE)
    image = image + (dice.clouds(SIDE, SIDE, (16, 16)) - 128)[..., None] // 4
    for loops in _marks(dice, label):
        blend(image, plain(dice.colour((130, 130, 130), (255, 255, 255)), SIDE, SIDE), coverage(loops, SIDE, SIDE))
    noise = dice.octets(SIDE, 3 * SIDE).reshape(SIDE, SIDE, 3) - 128
    return np.clip(image + noise // 10, 0, 255).astype(np.uint8)


def _marks(dice: Dice, label: int) -> list[Loops]:
    centres = _pair(dice, label)
    while len(centres) < 2 + len(_DISTRACTORS):
        centre = _point(dice)
        if all(_distance_squared(centre, other) >= (_APART * SUB) ** 2 for other in centres):
            centres.append(centre)
    marks = [
        place(
            SHAPES[shape],
            centre=centre,
            radius=dice.integer(5 * SUB, 6 * SUB),
            stretch=100,
            turn=dice.integer(-_SPREAD, _SPREAD),
        )
        for shape, centre in zip(('ring', 'cross', *_DISTRACTORS), centres, strict=True)
    ]
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
