"""Channel shift against the definition, a pixel at a time."""

import pytest
import torch

from swin_dense.layers.shift import channel_shift

STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # (row, column) of the pixel that each group takes its value from


def by_definition(x_BHWC, group_channels, pixels):
    """A slow double loop: every pixel of every group looks up where its value was."""
    _, height, width, channels = x_BHWC.shape
    moved = torch.zeros_like(x_BHWC)
    for row in range(height):
        for column in range(width):
            for channel in range(channels):
                group = channel // group_channels
                down, right = STEPS[group] if group < 4 else (0, 0)
                source = row + down * pixels, column + right * pixels
                if 0 <= source[0] < height and 0 <= source[1] < width:
                    moved[:, row, column, channel] = x_BHWC[:, source[0], source[1], channel]
    return moved


def compiled(x, *arguments):
    torch._dynamo.reset()
    return torch.compile(channel_shift, backend='eager', fullgraph=True)(x, *arguments)


@pytest.mark.parametrize('shift', [channel_shift, compiled])
@pytest.mark.parametrize('pixels', [0, 1, 2])
@pytest.mark.parametrize('n_div', [20, 16, 12, 8, 4])
@pytest.mark.parametrize('size', [(5, 7), (1, 1), (1, 6), (3, 1), (2, 2)], ids=str)
def test_against_a_double_loop(shift, pixels, n_div, size):
    x = torch.randn(2, *size, 20)
    before = x.clone()
    assert torch.equal(shift(x, 20 // n_div, pixels), by_definition(x, 20 // n_div, pixels))
    assert torch.equal(x, before)


@pytest.mark.parametrize('pixels', [1, 2])
def test_gradients(pixels):
    x = torch.randn(2, 3, 5, 9, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda x: channel_shift(x, 2, pixels), x)
    torch.autograd.gradgradcheck(lambda x: channel_shift(x, 2, pixels).square(), x)


def test_memory_of_any_order():
    x = torch.randn(2, 24, 5, 7).permute(0, 2, 3, 1)
    assert torch.equal(channel_shift(x, 2, 1), by_definition(x, 2, 1))
    assert torch.equal(channel_shift(x.bfloat16(), 2, 1), by_definition(x, 2, 1).bfloat16())


def test_exports_with_any_size():
    class Shift(torch.nn.Module):
        def forward(self, x):
            return channel_shift(x, 2, 1)

    auto = torch.export.Dim.AUTO
    program = torch.export.export(
        Shift(), (torch.randn(2, 5, 7, 9),), dynamic_shapes=({0: auto, 1: auto, 2: auto},)
    ).module()
    for size in [(2, 5, 7), (3, 8, 4)]:
        x = torch.randn(*size, 9)
        assert torch.equal(program(x), by_definition(x, 2, 1))
