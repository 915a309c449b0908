"""Moving shapes, drawn in whole numbers: what happens in a clip cannot be told from one of its frames.

A clip of recognition has a light shape that moves or turns over a dark ground. Its place, and the way it points, are
equally likely everywhere, and what leaves the frame on one side comes in on the other: so every frame of every class is
drawn from the same distribution. Each clip is there a second time, backwards, under the opposite class.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .demo_drawing import FULL, SUB, TURN, UNIT, Colour, Dice, blend, coverage, cross, place, plain, star

SIDE = 64  # pixels of a frame
FRAMES = 16
# a motion and its reverse
MOTIONS = (('moves right', 'moves left'), ('moves down', 'moves up'), ('turns clockwise', 'turns counterclockwise'))
MOTION_CLASSES = tuple(name for pair in MOTIONS for name in pair)
STILL_CLASSES = ('ground', 'still', 'moving')
_ARROW = np.array([[4000, 0], [0, 3400], [0, 1500], [-3700, 1500], [-3700, -1500], [0, -1500], [0, -3400]])
_WEDGE = np.array([[4000, 0], [-3000, 2600], [-1400, 0], [-3000, -2600]])
_FLAG = np.array([[-3600, -1800], [2600, -3000], [800, 200], [2600, 2800], [-3600, 1800]])
# each looks the same in one direction only, so that a turn is seen
_POINTED = (_ARROW, _WEDGE, _FLAG)
_ROUND = (star(UNIT * 5 // 10), cross(UNIT * 4 // 10))


@dataclass(frozen=True)
class Shape:
    """Attributes:

    loop: as of `demo_drawing.place`.
    colour: of all of it.
    radius: sub-pixels.
    centre: (x, y) at frame 0, sub-pixels.
    turn: direction at frame 0.
    step: (x, y) sub-pixels and directions from a frame to the next.
    """

    loop: np.ndarray
    colour: Colour
    radius: int
    centre: tuple[int, int]
    turn: int
    step: tuple[int, int, int] = (0, 0, 0)

    def coverage(self, frame: int) -> np.ndarray:
        """(SIDE, SIDE), 0 to FULL; what is beyond an edge is at the opposite one."""
        period = SIDE * SUB
        x, y = ((start + frame * step) % period for start, step in zip(self.centre, self.step[:2], strict=True))
        share = np.zeros((SIDE, SIDE), np.int64)
        for left in (x - period, x, x + period):
            for top in (y - period, y, y + period):
                turn = self.turn + frame * self.step[2]
                loops = place([self.loop], centre=(left, top), radius=self.radius, stretch=100, turn=turn)
                share = np.maximum(share, coverage(loops, SIDE, SIDE))
        return share


@dataclass(frozen=True)
class MovingScene:
    """A ground, (SIDE, SIDE, 3), and shapes, later ones in front."""

    ground: np.ndarray
    shapes: tuple[Shape, ...]

    def frame(self, number: int) -> np.ndarray:
        """(SIDE, SIDE, 3) uint8 RGB."""
        image = self.ground.copy()
        for shape in self.shapes:
            blend(image, plain(shape.colour, SIDE, SIDE), shape.coverage(number))
        return np.clip(image, 0, 255).astype(np.uint8)

    def labels(self, number: int) -> np.ndarray:
        """(SIDE, SIDE) uint8, numbers of `STILL_CLASSES`."""
        labels = np.zeros((SIDE, SIDE), np.uint8)
        for shape in self.shapes:
            labels[shape.coverage(number) * 2 >= FULL] = 2 if any(shape.step) else 1
        return labels


def action_clips(seed: int, split: int, count: int) -> Iterator[tuple[int, list[np.ndarray]]]:
    """(label of MOTION_CLASSES, FRAMES frames) of clips: a scene of each pair of motions in turn, both ways."""
    for number in range(-(-count // 2)):
        dice = Dice(seed, split, number, 1)
        pair = number % len(MOTIONS)
        scene = _action_scene(dice, pair)
        frames = [scene.frame(each) for each in range(FRAMES)]
        for way in range(min(2, count - 2 * number)):
            yield 2 * pair + way, frames[::-1] if way else frames


def still_or_moving(seed: int, split: int, count: int) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """(frames, masks) of `count` videos with shapes that look alike and lie still or move."""
    for number in range(count):
        dice = Dice(seed, split, number, 2)
        shapes = [_shape(dice, _POINTED + _ROUND, (9, 13)) for _ in range(dice.integer(2, 4))]
        moving = [index == 0 or (index > 1 and dice.chance(50)) for index in range(len(shapes))]  # one of each at least
        shapes = [replace(each, step=_way(dice)) if moves else each for each, moves in zip(shapes, moving, strict=True)]
        order = sorted(range(len(shapes)), key=lambda _: dice.integer(0, 1 << 30))
        scene = MovingScene(_ground(dice), tuple(shapes[each] for each in order))
        yield [scene.frame(each) for each in range(FRAMES)], [scene.labels(e) for e in range(FRAMES)]


def _action_scene(dice: Dice, pair: int) -> MovingScene:
    speed = dice.integer(6, 10)  # sub-pixels a frame
    step = ((speed, 0, 0), (0, speed, 0), (0, 0, dice.integer(3, 6)))[pair]
    return MovingScene(_ground(dice), (replace(_shape(dice, _POINTED, (14, 18)), step=step),))


def _shape(dice: Dice, loops: tuple[np.ndarray, ...], radii: tuple[int, int]) -> Shape:
    return Shape(
        loop=dice.choice(loops),
        colour=dice.colour((170, 170, 170), (255, 255, 255)),
        radius=dice.integer(radii[0] * SUB, radii[1] * SUB),
        centre=(dice.integer(0, SIDE * SUB - 1), dice.integer(0, SIDE * SUB - 1)),
        turn=dice.integer(0, TURN - 1),
    )


def _way(dice: Dice) -> tuple[int, int, int]:
    speed = dice.integer(6, 10) * dice.choice((-1, 1))
    return dice.choice(((speed, 0, 0), (0, speed, 0)))


def _ground(dice: Dice) -> np.ndarray:
    return plain(dice.colour((0, 0, 0), (80, 80, 80)), SIDE, SIDE)
