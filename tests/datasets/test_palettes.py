"""Palettes: distances in CIELAB by scikit-image, contrast ratios by WCAG's formula written out."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from swin_dense.datasets.palettes import checked_palette, distinct_palette, ink_on, instance_shade


def distances(colours):
    lab = rgb2lab(np.asarray(colours, np.uint8)[None])[0]
    between = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return between[~np.eye(len(lab), dtype=bool)]


@pytest.mark.parametrize(('count', 'least'), [(2, 80), (10, 40), (20, 30), (80, 15), (150, 10)])
def test_colours_differ_from_each_other_and_from_black_and_white(count, least):
    palette = distinct_palette(count)
    assert palette.shape == (count, 3)
    assert palette.dtype == np.uint8
    assert distances([*palette, (0, 0, 0), (255, 255, 255)]).min() > min(least, 25)
    assert distances(palette).min() > least


def test_a_longer_palette_begins_with_the_shorter_and_each_call_gives_an_array_of_its_own():
    long = distinct_palette(300)
    for count in (0, 1, 63, 64, 65, 129):
        np.testing.assert_array_equal(distinct_palette(count), long[:count])
    expected = long.copy()
    long[:] = 0
    np.testing.assert_array_equal(distinct_palette(300), expected)


def test_one_thousand_two_hundred_colours_are_all_different():
    assert len(np.unique(distinct_palette(1203), axis=0)) == 1203


def test_more_classes_than_colours_repeat():
    palette = distinct_palette(20000)
    different = len(np.unique(palette, axis=0))
    assert different > 6000
    np.testing.assert_array_equal(palette[different:], palette[: 20000 - different])


@pytest.mark.parametrize(
    'palette',
    [
        [[1, 2, 3], [250, 0, 255]],
        ((1, 2, 3), (250, 0, 255)),
        np.array([[1, 2, 3], [250, 0, 255]], np.int64),
        [[1.0, 2.0, 3.0], [250.0, 0.0, 255.0]],
    ],
)
def test_lists_tuples_and_arrays_become_an_array(palette):
    checked = checked_palette(palette, 2)
    assert checked.dtype == np.uint8
    np.testing.assert_array_equal(checked, [[1, 2, 3], [250, 0, 255]])


def test_the_checked_palette_is_a_copy_and_none_is_the_distinct_one():
    given = np.full((2, 3), 7, np.uint8)
    checked_palette(given, 2)[:] = 0
    assert (given == 7).all()
    np.testing.assert_array_equal(checked_palette(None, 5), distinct_palette(5))
    assert checked_palette([], 0).shape == (0, 3)


@pytest.mark.parametrize(
    ('palette', 'match'),
    [
        ([[1, 2, 3]], '2 classes, 1 colours'),
        ([[1, 2, 3]] * 3, '2 classes, 3 colours'),
        ([[1, 2, 3], [1, 2, 256]], r'Colour 1 of the palette is \[1, 2, 256\]'),
        ([[-1, 2, 3], [1, 2, 3]], 'Colour 0'),
        ([[0.5, 0.1, 1.0], [0, 0, 0]], 'Colour 0'),
        ([[float('nan'), 0, 0], [0, 0, 0]], 'Colour 0'),
        ([[1, 2], [3, 4]], 'three numbers'),
        ([[1, 2, 3], [4, 5]], 'three numbers'),
        ([1, 2, 3], 'three numbers'),
        ([], 'three numbers'),
        ('random', "'random'"),
        ([[True, False, True]] * 2, 'three numbers'),
        ([['a', 'b', 'c']] * 2, 'three numbers'),
    ],
)
def test_a_wrong_palette_is_refused_with_what_to_give(palette, match):
    with pytest.raises(ValueError, match=match) as raised:
        checked_palette(palette, 2)
    assert 'Give 2 colours [red, green, blue]' in str(raised.value)


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match='not -1'):
        distinct_palette(-1)


def luminance(colour):
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in map(int, colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_ink_has_the_higher_contrast():
    for colour in [*distinct_palette(200), (0, 0, 0), (255, 255, 255), (117, 117, 117), (118, 118, 118)]:
        on_white = 1.05 / (luminance(colour) + 0.05)
        on_black = (luminance(colour) + 0.05) / 0.05
        assert ink_on(colour) == (255 if on_white > on_black else 0), colour


def test_instances_of_a_class_have_shades_of_its_colour():
    colour = np.array([200, 40, 90], np.uint8)
    shades = [instance_shade(colour, rank) for rank in range(5)]
    np.testing.assert_array_equal(shades[0], colour)
    np.testing.assert_array_equal(shades[1], [222, 126, 156])  # 0.6 of the colour, 0.4 of white
    np.testing.assert_array_equal(shades[2], [130, 26, 58])  # 0.65 of the colour, 0.35 of black
    assert distances(shades).min() > 4
    np.testing.assert_array_equal(instance_shade(colour, 7), shades[2])
