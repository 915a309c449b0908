"""Effective receptive fields of layers whose fields are known: by theory, by hand, and by Gaussians."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from swin_dense.comparison.effective_fields import EffectiveField, effective_fields


def images(count, size, channels=1):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(1, channels, *size, generator=generator) for _ in range(count)]


def box_filters(count):
    """3 x 3 means: their field is a square, folded so many times with itself."""
    layers = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(count)]
    for layer in layers:
        nn.init.constant_(layer.weight, 1 / 9)
    return nn.Sequential(*layers)


def test_theoretical_field():
    """Three 3 x 3 convolutions: 7 x 7 pixels, and nothing outside."""
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)]
    (field,) = effective_fields(nn.Sequential(*layers), images(4, (21, 31), channels=3))
    inside = np.zeros((21, 31), bool)
    inside[10 - 3 : 10 + 4, 15 - 3 : 15 + 4] = True
    assert field.mass.shape == (21, 31)
    assert (field.mass[~inside] == 0).all()
    assert (field.mass[inside] > 0).all()
    assert field.mass.sum() == pytest.approx(1)
    assert field.radius(1.0) <= math.hypot(3, 3) + 1
    assert field.area(1.0) == 49
    assert field.stride == 1


def test_strides_and_levels():
    """A pyramid: a level for each, with the field of a convolution of its size."""

    class Pyramid(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.down = nn.Conv2d(1, 4, 4, stride=4), nn.Conv2d(4, 4, 2, stride=2)

        def forward(self, x):
            stem = self.stem(x)
            return stem, self.down(stem)

    small, large = effective_fields(Pyramid(), images(2, (37, 50)))
    assert (small.stride, large.stride) == (4, 8)
    # levels of 9 x 12 and 4 x 6: positions (4, 6) and (2, 3)
    assert {(y, x) for y, x in zip(*np.nonzero(small.mass), strict=True)} == {
        (y, x) for y in range(16, 20) for x in range(24, 28)
    }
    assert {(y, x) for y, x in zip(*np.nonzero(large.mass), strict=True)} == {
        (y, x) for y in range(16, 24) for x in range(24, 32)
    }
    assert small.centre == pytest.approx((17.5, 25.5), abs=1)


def test_gaussian():
    """24 box filters have a variance of 24 x 2/3 = 16 along each axis: by the central limit a Gaussian of 4 pixels."""
    (field,) = effective_fields(box_filters(24), images(1, (71, 81)))
    assert field.centre == pytest.approx((35, 40), abs=1e-4)
    for share in (0.5, 0.9):
        radius = 4 * math.sqrt(-2 * math.log(1 - share))
        assert field.radius(share) == pytest.approx(radius, abs=0.4)
        assert field.area(share) == pytest.approx(math.pi * radius**2, rel=0.06)


def test_against_finite_differences():
    """Mean over images of how the sum with that image's signs moves, pixel by pixel, in float64."""
    layers = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Tanh(), nn.Conv2d(3, 3, 3, padding=1)).double()
    inputs = [image.double() for image in images(3, (6, 7))]
    expected = np.zeros((6, 7))
    for number, image in enumerate(inputs):
        signs = torch.randint(0, 2, (3,), generator=torch.Generator().manual_seed(number)) * 2.0 - 1
        for y in range(6):
            for x in range(7):
                step = torch.zeros_like(image)
                step[0, 0, y, x] = 1e-5
                with torch.no_grad():
                    moved = (layers(image + step) - layers(image - step))[0, :, 3, 3] / 2e-5
                expected[y, x] += abs(float((moved * signs).sum()))
    (field,) = effective_fields(layers, inputs)
    np.testing.assert_allclose(field.mass, expected / expected.sum(), atol=1e-8)


def test_layer_norm_does_not_hide_the_field():
    """The plain sum of its channels is constant."""

    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.LayerNorm(8)

        def forward(self, x):
            return self.norm(self.layer(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    (field,) = effective_fields(Normed(), images(2, (9, 9)))
    assert field.area(1.0) == 9
    assert field.mass.max() < 0.5


def test_padding_is_no_part_of_it():
    (field,) = effective_fields(box_filters(6), images(1, (20, 20)), size=(12, 20))
    (whole,) = effective_fields(box_filters(6), images(1, (20, 20)))
    assert field.mass.shape == (12, 20)
    np.testing.assert_allclose(field.mass, whole.mass[:12] / whole.mass[:12].sum())


def test_shares_by_hand():
    mass = np.zeros((5, 5))
    mass[2, 2], mass[2, 3], mass[2, 1], mass[0, 2], mass[4, 2] = 0.4, 0.2, 0.2, 0.1, 0.1
    field = EffectiveField(mass, 1)
    assert field.centre == (2.0, 2.0)
    assert [field.radius(share) for share in (0.4, 0.5, 0.8, 0.9, 1.0)] == [0.0, 1.0, 1.0, 2.0, 2.0]
    assert [field.area(share) for share in (0.4, 0.5, 0.8, 0.85, 1.0)] == [1, 2, 3, 4, 5]


def test_no_gradient():
    class Constant(nn.Module):
        def forward(self, x):
            return x * 0

    with pytest.raises(ValueError, match='level 0 has no finite gradient'):
        effective_fields(Constant(), images(1, (4, 4)))
