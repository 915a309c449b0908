"""Scenes of the demo data: toys standing about in landscapes, some hiding others, under a light with a direction.

To a detector, the class of a toy is its shape, and its paint is a hint; patterns, light and sizes say nothing. To a
segmentor all toys are one class, and the others are the grounds, told by their textures.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .demo_drawing import (
    DIRECTIONS,
    FULL,
    PATTERNS,
    SUB,
    TURN,
    UNIT,
    UP,
    Colour,
    Dice,
    Loops,
    blend,
    coverage,
    cross,
    pattern,
    place,
    plain,
    ramp,
    regular_polygon,
    star,
)
from .demo_grounds import GROUNDS, OTHER_GROUNDS, paint_ground

SHAPES: dict[str, Loops] = {
    'ring': [regular_polygon(40), regular_polygon(40, radius=UNIT * 50 // 100)],
    'square': [regular_polygon(4, first=TURN // 8)],
    'triangle': [regular_polygon(3, first=UP)],
    'star': [star(UNIT * 42 // 100)],
    'cross': [cross(UNIT * 28 // 100)],
}
SHAPE_CLASSES = tuple(SHAPES)
# Things of one kind look alike, as in photographs: a detector has minutes to learn them. The pattern over the paint,
# its second colour, light, shade and size vary freely.
COLOURS: dict[str, Colour] = {
    'ring': (235, 140, 25),
    'square': (215, 40, 45),
    'triangle': (150, 50, 215),
    'star': (245, 220, 40),
    'cross': (235, 90, 190),
}
TOY = 'toy'  # any shape, for the segmentor
SEMANTIC_CLASSES = (*GROUNDS, TOY)  # label of a pixel = 1 + position here; 0 = anything else

SIZES = ((96, 144), (112, 144), (120, 120), (128, 160), (144, 112), (160, 128), (104, 168))  # height, width
RIM_WIDTH = 2  # white borders, as stickers have
MAX_TILT = 6  # in directions: 18 degrees
MIN_VISIBLE_PERCENT = 70  # of a thing's area, whatever hides it or lies outside
MIN_VISIBLE_PIXELS = 60


@dataclass
class Thing:
    """One shape, or with `is_crowd` one heap of small shapes; `mask` (H, W) is the part of it that is seen."""

    shape: str
    mask: np.ndarray
    is_crowd: bool
    whole_area: int


@dataclass
class Scene:
    image: np.ndarray  # (H, W, 3), RGB, 0 to 255
    labels: np.ndarray  # (H, W), 0 = other, 1 + position in SEMANTIC_CLASSES
    light: int  # direction that the light comes from
    things: list[Thing] = field(default_factory=list)


def make_scene(dice: Dice, *, is_crowded: bool, is_empty: bool) -> Scene:
    """Compose one scene: grounds, then things from the back to the front, then light and sensor noise."""
    height, width = dice.choice(SIZES)
    scene = Scene(
        np.zeros((height, width, 3), np.int64), np.zeros((height, width), np.uint8), dice.integer(0, TURN - 1)
    )
    if dice.chance(60):
        _landscape(dice, scene)
    else:
        _bird_view(dice, scene)
    if is_crowded:
        _try_to_add(dice, scene, _heap(dice, scene), is_crowd=True)
    for _ in range(0 if is_empty else dice.integer(3, 7)):
        _try_to_add(dice, scene, [_random_shape(dice, scene)], is_crowd=False)
    if dice.chance(20) and not is_empty:
        _add_post(dice, scene)
    _expose(dice, scene)
    return scene


def object_scene(dice: Dice, shape: str, *, side: int = 64) -> Scene:
    """A square of `side` pixels with one thing in it, as scenes have them: what a classifier learns from."""
    while True:
        scene = Scene(np.zeros((side, side, 3), np.int64), np.zeros((side, side), np.uint8), dice.integer(0, TURN - 1))
        if dice.chance(60):
            _landscape(dice, scene)
        else:
            _bird_view(dice, scene)
        if _try_to_add(dice, scene, [_random_shape(dice, scene, shape)], is_crowd=False):
            _expose(dice, scene)
            return scene


def _landscape(dice: Dice, scene: Scene) -> None:
    """Sky above hills, and in front of them one or two more grounds, or a road."""
    height, width = scene.labels.shape
    kinds = ['sky', dice.choice(('grass', 'sand', 'water'))]
    kinds.append(dice.choice([kind for kind in (*GROUNDS, *OTHER_GROUNDS) if kind not in kinds]))
    edges = [0, height * dice.integer(25, 50) // 100, height * dice.integer(62, 95) // 100]
    for kind, edge in zip(kinds, edges, strict=True):
        hills = dice.clouds(1, width, (1, 40))[0] * dice.integer(0, 16) // 255
        heights = np.arange(height)[:, None] >= (edge + hills if edge else 0 * hills)
        paint_ground(dice, kind, scene.image, scene.labels, FULL * heights, SEMANTIC_CLASSES)


def _bird_view(dice: Dice, scene: Scene) -> None:
    """One ground seen from above, often with a lake or a patch on it and a road across."""
    height, width = scene.labels.shape
    kinds = ['grass', 'sand', 'water', 'bricks', 'planks']
    below = dice.choice(kinds)
    paint_ground(dice, below, scene.image, scene.labels, np.full((height, width), FULL), SEMANTIC_CLASSES)
    if dice.chance(80):
        kinds.remove(below)
        loop = regular_polygon(12) * (70 + dice.octets(1, 12)[0, :, None] * 60 // 255) // 100
        patch = place(
            [loop],
            centre=(dice.integer(0, width * SUB), dice.integer(0, height * SUB)),
            radius=min(height, width) * SUB * dice.integer(40, 75) // 100,
            stretch=dice.integer(80, 140),
            turn=dice.integer(0, TURN - 1),
        )
        paint_ground(
            dice, dice.choice(kinds), scene.image, scene.labels, coverage(patch, height, width), SEMANTIC_CLASSES
        )
    if dice.chance(40):
        half_width, long = dice.integer(6, 12) * SUB, 400 * SUB
        strip = np.array([[-long, -half_width], [long, -half_width], [long, half_width], [-long, half_width]])
        centre = (width * SUB * dice.integer(30, 70) // 100, height * SUB * dice.integer(30, 70) // 100)
        road = place([strip], centre=centre, radius=UNIT, stretch=100, turn=dice.integer(0, TURN - 1))
        paint_ground(dice, 'road', scene.image, scene.labels, coverage(road, height, width), SEMANTIC_CLASSES)


@dataclass
class _Sprite:
    """One shape to draw: its polygons in sub-pixels and its radius in pixels."""

    shape: str
    loops: Loops
    radius: int


def _random_shape(dice: Dice, scene: Scene, wanted: str | None = None) -> _Sprite:
    height, width = scene.labels.shape
    # two in ten small, the others up to two thirds of the image
    radius = dice.integer(11, 15) if dice.chance(20) else dice.integer(16, min(height, width) * 34 // 100)
    shape = dice.choice(SHAPE_CLASSES) if wanted is None else wanted
    centre = (
        dice.integer(radius // 3, width - radius // 3) * SUB,
        dice.integer(radius // 3, height - radius // 3) * SUB,
    )
    stretch, turn = dice.integer(80, 125), dice.integer(-MAX_TILT, MAX_TILT)
    return _Sprite(shape, place(SHAPES[shape], centre=centre, radius=radius * SUB, stretch=stretch, turn=turn), radius)


def _heap(dice: Dice, scene: Scene) -> list[_Sprite]:
    """Many small shapes of one class, touching: what an annotator marks as a crowd."""
    height, width = scene.labels.shape
    shape, radius = dice.choice(SHAPE_CLASSES), dice.integer(5, 7)
    left, top = dice.integer(10, width - 60), dice.integer(height // 3, height - 40)
    sprites = []
    for row in range(3):
        for column in range(dice.integer(3, 4)):
            x = left + column * 2 * radius + dice.integer(-2, 2) + row * radius // 2
            y = top + row * 2 * radius + dice.integer(-2, 2)
            turn = dice.integer(-MAX_TILT, MAX_TILT)
            loops = place(SHAPES[shape], centre=(x * SUB, y * SUB), radius=radius * SUB, stretch=100, turn=turn)
            sprites.append(_Sprite(shape, loops, radius))
    return sprites


def _try_to_add(dice: Dice, scene: Scene, sprites: list[_Sprite], *, is_crowd: bool) -> bool:
    """Draw sprites as one thing, unless it would be seen too little or hide too much of another thing."""
    height, width = scene.labels.shape
    shares = [coverage(sprite.loops, height, width) for sprite in sprites]
    mask = np.max(shares, axis=0) * 2 >= FULL
    whole_area = sum(_area(sprite.loops) for sprite in sprites)
    visible = [(mask, whole_area)] + [(thing.mask & ~mask, thing.whole_area) for thing in scene.things]
    for seen, whole in visible:
        # two heaped shapes may overlap, so a crowd's own area is not held against it
        if seen.sum() < MIN_VISIBLE_PIXELS or (seen.sum() * 100 < MIN_VISIBLE_PERCENT * whole and not is_crowd):
            return False
    for sprite, share in zip(sprites, shares, strict=True):
        _paint_sprite(dice, scene, sprite, share)
    for thing in scene.things:
        thing.mask = thing.mask & ~mask
    shape = sprites[0].shape
    scene.labels[mask] = 1 + SEMANTIC_CLASSES.index(TOY)
    scene.things.append(Thing(shape, mask, is_crowd, int(mask.sum()) if is_crowd else whole_area))
    return True


def _area(loops: Loops) -> int:
    """Return the area of nested loops in pixels: the first less the others."""
    areas = []
    for loop in loops:
        x, y = loop.T
        areas.append(abs(int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) // (2 * FULL))
    return areas[0] - sum(areas[1:])


def _paint_sprite(dice: Dice, scene: Scene, sprite: _Sprite, share: np.ndarray) -> None:
    """Shadow on what lies behind, then two colours in a pattern, shaded towards the light, then a rim."""
    cos, sin = DIRECTIONS[scene.light].tolist()
    away = np.array([-cos, -sin]) * sprite.radius * SUB // (5 * UNIT)
    shadow = coverage([loop + away for loop in sprite.loops], *scene.labels.shape)
    rows, columns = np.nonzero(share + shadow)
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    image, share, shadow = scene.image[box], share[box], shadow[box]
    blend(image, (0, 0, 0), shadow * dice.integer(25, 60), FULL * 100)

    height, width = share.shape
    paint = plain(_own_colour(dice, sprite.shape), height, width)
    blend(paint, _vivid_colour(dice), pattern(dice, dice.choice(PATTERNS), height, width), 300)
    paint = paint * (256 + ramp(height, width, scene.light)[..., None] * 80 // 128) // 256
    inner = share
    for _ in range(RIM_WIDTH):
        padded = np.pad(inner, 1)
        inner = np.minimum.reduce([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:], inner])
    white = dice.integer(225, 255)
    blend(paint, (white, white, white), share - inner)
    blend(image, paint, share)


def _own_colour(dice: Dice, shape: str) -> Colour:
    """Return the colour of a kind of thing, a little off."""
    red, green, blue = (min(255, max(0, part + dice.integer(-25, 25))) for part in COLOURS[shape])
    return red, green, blue


def _vivid_colour(dice: Dice) -> Colour:
    """Return a colour of any hue: one component strong, one weak, and any third."""
    parts = [dice.integer(200, 255), dice.integer(0, 70), dice.integer(0, 255)]
    first, second = dice.integer(0, 2), dice.integer(0, 1)
    red = parts.pop(first)
    green = parts.pop(second)
    return red, green, parts[0]


def _add_post(dice: Dice, scene: Scene) -> None:
    """A post in front of everything: it is of no class and may cut a thing in two."""
    height, width = scene.labels.shape
    left, right, top = dice.integer(10, width - 20), dice.integer(4, 7), dice.integer(0, height // 2)
    mask = np.zeros((height, width), bool)
    mask[top:, left : left + right] = True
    for thing in scene.things:
        if (thing.mask & ~mask).sum() * 100 < MIN_VISIBLE_PERCENT * thing.whole_area:
            return
    wood = dice.colour((70, 45, 20), (130, 90, 60))
    grain = dice.clouds(height, width, (23, 2))
    paint = np.array(wood) + (grain - 128)[..., None] // 5
    blend(scene.image, paint, mask * FULL)
    scene.labels[mask] = 0
    for thing in scene.things:
        thing.mask = thing.mask & ~mask


def _expose(dice: Dice, scene: Scene) -> None:
    """Light that falls off across the scene, exposure, and the sensor's noise."""
    height, width = scene.labels.shape
    light = dice.integer(75, 115) * (256 + ramp(height, width, scene.light) * dice.integer(10, 60) // 128) // 100
    image = scene.image * light[..., None] // 256
    amplitude = dice.integer(0, 16)
    noise = dice.octets(height, 3 * width) + dice.octets(height, 3 * width) - 255
    image += noise.reshape(height, width, 3) * amplitude // 255
    scene.image = np.clip(image, 0, 255).astype(np.uint8)


def scenes(seed: int, split: int, count: int, *, crowd_every: int = 40, empty_every: int = 60) -> Iterator[Scene]:
    """Yield the scenes of a split; each has dice of its own, so that scene i does not depend on `count`."""
    for index in range(count):
        is_empty = index % empty_every == empty_every - 1
        yield make_scene(Dice(seed, split, index), is_crowded=index % crowd_every == 5, is_empty=is_empty)
