"""Channel shift against the definition, a pixel at a time."""

import pytest
import torch

from swin_dense.layers import shift as shift_module
from swin_dense.layers.shift import channel_shift, channel_shift_

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


def in_place(x, *arguments):
    x = x.clone()
    memory = x.data_ptr()
    shortcut, branch = channel_shift_(x, *arguments)
    assert shortcut.data_ptr() == branch.data_ptr() == memory
    assert torch.equal(shortcut, branch)
    return branch


def forked(x, group_channels, pixels):
    """Two users, with different gradients."""
    shortcut, branch = channel_shift_(x * 1, group_channels, pixels)
    return shortcut.sin() + branch.square()


def copied(x, group_channels, pixels):
    moved = channel_shift(x, group_channels, pixels)
    return moved.sin() + moved.square()


@pytest.fixture(params=[1 << 20, 1], ids=['in one piece', 'row by row'])
def _tiles(request, monkeypatch):
    monkeypatch.setattr(shift_module, 'TILE_BYTES', request.param)


@pytest.mark.usefixtures('_tiles')
@pytest.mark.parametrize('shift', [channel_shift, in_place, compiled])
@pytest.mark.parametrize('pixels', [0, 1, 2])
@pytest.mark.parametrize('n_div', [20, 16, 12, 8, 4])
@pytest.mark.parametrize('size', [(5, 7), (1, 1), (1, 6), (3, 1), (2, 2), (8, 3)], ids=str)
def test_against_a_double_loop(shift, pixels, n_div, size):
    x = torch.randn(2, *size, 20)
    before = x.clone()
    assert torch.equal(shift(x, 20 // n_div, pixels), by_definition(x, 20 // n_div, pixels))
    assert torch.equal(x, before)


@pytest.mark.usefixtures('_tiles')
@pytest.mark.parametrize('shift', [copied, forked])
@pytest.mark.parametrize('pixels', [0, 1, 2, 4])
def test_gradients(shift, pixels):
    x = torch.randn(2, 3, 5, 9, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda x: shift(x, 2, pixels), x)
    torch.autograd.gradgradcheck(lambda x: shift(x, 2, pixels), x)


@pytest.mark.usefixtures('_tiles')
@pytest.mark.parametrize('used', [(True, True), (True, False), (False, True)], ids=str)
def test_gradients_of_the_two_users_are_added_and_moved_back(used):
    """The gradient by definition: each value's is that of the place it went to."""
    x = torch.randn(2, 5, 7, 20, requires_grad=True)
    weights = [torch.randn_like(x) * use for use in used]
    maps = [(y, w) for y, w, use in zip(channel_shift_(x * 1, 5, 1), weights, used, strict=True) if use]
    (gradient,) = torch.autograd.grad(sum((y * w).sum() for y, w in maps), x)
    assert torch.equal(gradient, by_definition(sum(weights), 5, -1))


def test_gradients_are_not_written_to():
    x = torch.randn(2, 5, 7, 20, requires_grad=True)
    shortcut, branch = channel_shift_(x * 1, 2, 1)
    given = [torch.randn_like(x) for _ in range(2)]
    kept = [gradient.clone() for gradient in given]
    torch.autograd.backward([shortcut, branch], given)
    assert all(torch.equal(gradient, copy) for gradient, copy in zip(given, kept, strict=True))


def test_a_map_that_autograd_keeps_is_not_changed_unnoticed():
    x = torch.randn(2, 5, 7, 9, requires_grad=True)
    for use in (torch.exp, lambda x: torch.exp(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)):
        branch = channel_shift_(use(x), 2, 1)[1]  # exp keeps its result
        with pytest.raises(RuntimeError, match='modified by an inplace operation'):
            branch.sum().backward()


def copied_elements(function):
    """Elements that each copy of `function` moves; every way to copy a tensor ends in one."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as profile:
        function()
    return [torch.Size(event.input_shapes[0]).numel() for event in profile.events() if event.name == 'aten::copy_']


@pytest.mark.parametrize('training', [False, True])
def test_only_moving_channels_are_moved(training):
    """In inference, and in the forward and the backward pass of training: once out of the map and once back."""
    x = torch.randn(1, 40, 60, 96, requires_grad=training)
    y = x * 1
    moving = y.numel() // 3
    margins = 1.1
    maps = []
    copies = copied_elements(lambda: maps.extend(channel_shift_(y, 8, 1)))
    assert moving <= sum(copies) <= 2 * moving * margins
    assert max(copies) <= moving * margins
    assert sum(copied_elements(lambda: channel_shift(y, 8, 1))) >= y.numel()  # so the count would see one
    if training:
        gradients = [torch.randn_like(x) for _ in maps]
        copies = copied_elements(lambda: torch.autograd.grad(maps, y, gradients))
        assert moving <= sum(copies) <= 2 * moving * margins
        assert max(copies) <= moving * margins


def test_memory_of_any_order():
    x = torch.randn(2, 24, 5, 7).permute(0, 2, 3, 1)
    assert torch.equal(channel_shift(x, 2, 1), by_definition(x, 2, 1))
    assert torch.equal(channel_shift(x.bfloat16(), 2, 1), by_definition(x, 2, 1).bfloat16())
    expected = by_definition(x, 2, 1)
    assert torch.equal(channel_shift_(x, 2, 1)[0], expected)
    assert x.stride(1) != 7 * 24


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
