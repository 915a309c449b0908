"""Grounds of the demo scenes: textures that tell five classes apart, and roads and floors of no class."""

from collections.abc import Callable

import numpy as np

from .demo_drawing import FULL, Dice, blend, plain


def _sky(dice: Dice, height: int, width: int) -> np.ndarray:
    """A vertical gradient with clouds, at noon, at dusk or in haze."""
    upper, lower = dice.choice(
        (
            ((60, 120, 210), (190, 220, 245)),
            ((40, 70, 150), (150, 180, 220)),
            ((80, 60, 120), (250, 170, 120)),
            ((150, 165, 180), (215, 220, 225)),
        )
    )
    paint = plain(upper, height, width)
    down = np.broadcast_to(np.arange(height)[:, None], (height, width))
    blend(paint, lower, np.minimum(2 * down, height), height)
    puffs = dice.clouds(height, width, (12, 28)) + dice.clouds(height, width, (5, 11)) // 3
    blend(paint, (250, 248, 245), np.clip(puffs - dice.integer(150, 260), 0, 90), 110)
    return paint


def _grass(dice: Dice, height: int, width: int) -> np.ndarray:
    """Upright blades in patches of lighter and darker green."""
    paint = plain(dice.colour((40, 95, 20), (110, 160, 60)), height, width)
    blend(paint, (200, 200, 80), dice.clouds(height, width, (17, 23)), 900)
    blades = dice.clouds(height, width, (5, 1))
    paint += (blades - 128)[..., None] * 45 // 128
    return paint


def _water(dice: Dice, height: int, width: int) -> np.ndarray:
    """Lying waves with light on their crests."""
    paint = plain(dice.colour((15, 60, 110), (60, 140, 190)), height, width)
    period = dice.integer(5, 9)
    phase = np.arange(height)[:, None] + dice.clouds(height, width, (9, 19)) * 10 // 255
    crest = np.abs(2 * (phase % period) - period) * 255 // period
    blend(paint, (200, 230, 240), np.maximum(crest - 110, 0) * dice.clouds(height, width, (6, 13)) // 255, 200)
    return paint


def _sand(dice: Dice, height: int, width: int) -> np.ndarray:
    """Pale grains on soft dunes."""
    paint = plain(dice.colour((190, 160, 100), (235, 210, 150)), height, width)
    paint += (dice.clouds(height, width, (13, 31)) - 128)[..., None] * 30 // 128
    grains = dice.octets(height, width)
    paint -= ((grains < 30) * 50)[..., None]
    paint += ((grains > 225) * 30)[..., None]
    return paint


def _road(dice: Dice, height: int, width: int) -> np.ndarray:
    """Grey asphalt."""
    grey = dice.integer(70, 130)
    paint = plain((grey, grey, grey + 6), height, width)
    paint += (dice.octets(height, width) - 128)[..., None] * 22 // 128
    return paint


def _bricks(dice: Dice, height: int, width: int) -> np.ndarray:
    """Courses of bricks, every second one moved by half a brick."""
    brick_height, brick_width = dice.integer(6, 9), dice.integer(14, 20)
    course, y = np.divmod(np.arange(height), brick_height)
    brick, x = np.divmod(np.arange(width) + (course % 2 * brick_width // 2)[:, None], brick_width)
    paint = plain(dice.colour((130, 60, 45), (180, 95, 70)), height, width)
    tones = dice.octets(64, 64)
    paint += (tones[course[:, None] % 64, brick % 64] - 128)[..., None] * 35 // 128
    blend(paint, (205, 200, 190), np.where((y[:, None] == 0) | (x == 0), FULL, 0))
    return paint


def _planks(dice: Dice, height: int, width: int) -> np.ndarray:
    """A floor of long boards, with grain."""
    board, y = np.divmod(np.arange(height), dice.integer(8, 12))
    paint = plain(dice.colour((105, 75, 45), (150, 115, 80)), height, width)
    tones = dice.octets(1, 64)[0]
    paint += (tones[board % 64] - 128)[:, None, None] * 25 // 128
    paint += (dice.clouds(height, width, (2, 29)) - 128)[..., None] * 18 // 128
    blend(paint, (45, 30, 20), np.broadcast_to(np.where(y[:, None] == 0, FULL, 0), (height, width)))
    return paint


Painter = Callable[[Dice, int, int], np.ndarray]
GROUNDS: dict[str, Painter] = {'sky': _sky, 'grass': _grass, 'water': _water, 'sand': _sand, 'bricks': _bricks}
OTHER_GROUNDS: dict[str, Painter] = {'road': _road, 'planks': _planks}  # label 0


def paint_ground(
    dice: Dice, kind: str, image: np.ndarray, labels: np.ndarray, share: np.ndarray, classes: tuple[str, ...]
) -> None:
    """Paint a ground over `image` (H, W, 3) and `labels` (H, W), in place, where `share` (H, W; 0 to FULL) says."""
    paint = {**GROUNDS, **OTHER_GROUNDS}[kind](dice, *labels.shape)
    blend(image, paint, share)
    labels[share * 2 >= FULL] = 1 + classes.index(kind) if kind in GROUNDS else 0
