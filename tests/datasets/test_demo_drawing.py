"""The drawing and outlining of the demo data, against Pillow, pycocotools and plain arithmetic."""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from swin_dense.datasets.demo_annotations import bounding_box, polygons, run_lengths
from swin_dense.datasets.demo_drawing import (
    DIRECTIONS,
    FULL,
    PATTERNS,
    SUB,
    TURN,
    UNIT,
    Dice,
    coverage,
    pattern,
    place,
    ramp,
)
from swin_dense.datasets.demo_scenes import SHAPES

# pycocotools 2.0.11 predates numpy 2's `copy` keyword
pytestmark = pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')


def test_directions_would_be_the_same_with_an_inexact_cosine():
    exact = [UNIT * trig(math.tau * k / TURN) for k in range(TURN) for trig in (math.cos, math.sin)]
    distance_to_tie = [abs(value - math.floor(value) - 0.5) for value in exact]
    assert min(distance_to_tie) > 1e-6  # a cosine is wrong by 1e-12 of UNIT at most
    assert np.abs(DIRECTIONS.ravel() - exact).max() < 0.5


def test_dice_are_the_raw_stream_of_pcg64():
    dice, bits = Dice(3, 1, 4), np.random.PCG64(np.random.SeedSequence([3, 1, 4]))
    assert [dice.integer(-2, 9) for _ in range(50)] == [-2 + bits.random_raw() % 12 for _ in range(50)]
    words = [bits.random_raw() for _ in range(5)]  # 5 x 8 octets, of which 3 x 13 are taken
    expected = [word >> shift & 255 for word in words for shift in range(0, 64, 8)][:39]
    assert dice.octets(3, 13).ravel().tolist() == expected


def test_clouds_interpolate_between_the_points_of_their_grid():
    clouds = Dice(0).clouds(7, 11, (3, 4))
    grid = Dice(0).octets(4, 4)
    for row in range(7):
        for column in range(11):
            (i, y), (j, x) = divmod(row, 3), divmod(column, 4)
            expected = (
                grid[i, j] * (3 - y) * (4 - x)
                + grid[i, j + 1] * (3 - y) * x
                + grid[i + 1, j] * y * (4 - x)
                + grid[i + 1, j + 1] * y * x
            ) // 12
            assert clouds[row, column] == expected


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('centre', [(110, 90), (3, 150)])  # the second is cut off by the border
def test_coverage_counts_the_sub_pixels_that_a_brute_force_test_finds(shape, centre):
    height, width = 41, 53
    loops = place(SHAPES[shape], centre=centre, radius=71, stretch=120, turn=17)
    x, y = np.meshgrid(np.arange(width * SUB) + 0.5, np.arange(height * SUB) + 0.5)
    inside = np.zeros(x.shape, bool)
    for loop in loops:
        for (x1, y1), (x2, y2) in zip(loop, np.roll(loop, -1, axis=0), strict=True):
            if y1 != y2:
                spans = (y1 < y) != (y2 < y)
                inside ^= spans & (x1 + (y - y1) * (x2 - x1) / (y2 - y1) <= x)
    expected = inside.reshape(height, SUB, width, SUB).sum(axis=(1, 3))
    np.testing.assert_array_equal(coverage(loops, height, width), expected)
    assert expected.max() == FULL


def test_coverage_outside_the_canvas_is_zero():
    loops = place(SHAPES['star'], centre=(-400, 30), radius=80, stretch=100, turn=0)
    assert not coverage(loops, 20, 30).any()


def test_ramp_rises_towards_its_direction():
    right, down = ramp(5, 9, 0), ramp(5, 9, TURN // 4)
    assert (np.diff(right, axis=1) > 0).all()
    assert (np.diff(right, axis=0) == 0).all()
    assert (np.diff(down, axis=0) > 0).all()
    for direction in range(TURN):
        plane = ramp(5, 9, direction)
        assert -128 <= plane.min() < -50
        assert 50 < plane.max() <= 128


@pytest.mark.parametrize('kind', PATTERNS)
def test_patterns_stay_in_range_and_only_plain_is_plain(kind):
    drawn = pattern(Dice(5), kind, 31, 47)
    assert drawn.shape == (31, 47)
    assert drawn.min() >= 0
    assert drawn.max() <= 255
    assert (np.unique(drawn).size > 1) == (kind != 'plain')


def _random_mask(seed: int) -> np.ndarray:
    """Blobs with holes, islands in holes and pixels that touch by corners only."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        return rng.random((13, 17)) < 0.5
    image = Image.new('1', (61, 43))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        left, top = rng.integers(-5, 50), rng.integers(-5, 35)
        draw.ellipse([left, top, left + rng.integers(3, 25), top + rng.integers(3, 25)], fill=int(rng.integers(0, 2)))
    return np.array(image)


@pytest.mark.parametrize('seed', range(12))
def test_pycocotools_gives_back_the_mask_of_polygons_and_run_lengths(seed):
    mask = _random_mask(seed)
    height, width = mask.shape
    outlines = polygons(mask)
    pieces = np.stack([coco_mask.decode(coco_mask.frPyObjects([line], height, width))[..., 0] for line in outlines])
    np.testing.assert_array_equal(pieces.sum(axis=0), mask)  # a sum: the pieces do not overlap either
    run = coco_mask.frPyObjects(run_lengths(mask), height, width)
    np.testing.assert_array_equal(coco_mask.decode(run), mask)
    assert bounding_box(mask) == coco_mask.toBbox(run).tolist()


def test_run_lengths_of_masks_that_begin_or_end_inside():
    assert run_lengths(np.array([[True, False], [False, True]])) == {'counts': [0, 1, 2, 1], 'size': [2, 2]}
    assert run_lengths(np.array([[False, True, False]])) == {'counts': [1, 1, 1], 'size': [1, 3]}


def test_polygon_of_one_pixel_is_its_border():
    mask = np.zeros((4, 5), bool)
    mask[2, 3] = True
    assert {tuple(corner) for corner in np.reshape(polygons(mask)[0], (-1, 2)).tolist()} == {
        (3, 2),
        (4, 2),
        (4, 3),
        (3, 3),
    }
