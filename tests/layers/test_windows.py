"""Windows against the definition: a loop that pads, rolls and cuts, and the official mask by slices."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from swin_dense.layers.windows import merge_windows, partition_windows, shifted_window_mask, window_layout

# (size, window size, shift): odd and non-square maps and windows, maps smaller than a window, shifts along one axis
CASES = [
    ((15, 22), (7, 7), (3, 3)),
    ((15, 22), (7, 7), (0, 0)),
    ((14, 21), (7, 7), (3, 3)),
    ((9, 13), (3, 5), (1, 2)),
    ((9, 13), (4, 2), (0, 1)),
    ((10, 3), (7, 7), (3, 0)),
    ((3, 4), (7, 7), (3, 3)),
    ((1, 1), (5, 3), (2, 1)),
    ((1, 17), (4, 4), (2, 2)),
    # (time, height, width)
    ((5, 7, 4), (2, 3, 3), (1, 1, 1)),
    ((3, 4, 7), (3, 2, 3), (0, 1, 1)),
    ((2, 3, 2), (2, 2, 2), (0, 0, 0)),
    ((1, 5, 9), (4, 2, 4), (2, 0, 2)),
]
CPU = torch.device('cpu')
cases = pytest.mark.parametrize(('size', 'window_size', 'shift'), CASES, ids=str)


def padded(x_BSC, window_size):
    after = [-side % window for side, window in zip(x_BSC.shape[1:-1], window_size, strict=True)]
    return F.pad(x_BSC, (0, 0, *(pad for missing in reversed(after) for pad in (0, missing))))


def cut(x_BSC, window_size):
    corners = itertools.product(*map(range, itertools.repeat(0), x_BSC.shape[1:-1], window_size))
    return [
        x_BSC[(slice(None), *map(slice, corner, map(sum, zip(corner, window_size, strict=True))))] for corner in corners
    ]


def windows_by_loop(x_BSC, window_size, shift):
    """List of (B, L, C), row by row."""
    axes = range(1, len(shift) + 1)
    rolled = torch.roll(padded(x_BSC, window_size), tuple(-step for step in shift), tuple(axes))
    return [window.flatten(1, -2) for window in cut(rolled, window_size)]


def official_mask(size, window_size, shift):
    """(windows, L, L) by three slices along each axis, as the official code paints it."""
    regions = padded(torch.zeros(1, *size, 1), window_size)
    slices = [
        (slice(0, -window_size[axis]), slice(-window_size[axis], -shift[axis]), slice(-shift[axis], None))
        if shift[axis]
        else (slice(None),)
        for axis in range(len(size))
    ]
    for number, region in enumerate(itertools.product(*slices)):
        regions[(slice(None), *region)] = number
    region_NL = torch.cat([window.flatten(1) for window in cut(regions, window_size)])
    difference = region_NL[:, None, :] - region_NL[:, :, None]
    return difference.masked_fill(difference != 0, -100.0)


@cases
def test_partition_windows_is_the_loop_and_merge_undoes_it(size, window_size, shift):
    x = torch.randn(2, *size, 3)
    windows = partition_windows(x, window_size, shift)
    assert torch.equal(windows, torch.stack(windows_by_loop(x, window_size, shift), 1).flatten(0, 1))
    assert torch.equal(merge_windows(windows, (2, *size), window_size, shift), x)


@cases
def test_mask_is_the_official_one(size, window_size, shift):
    mask = shifted_window_mask(size, window_size, shift, device=CPU)
    assert torch.equal(mask, official_mask(size, window_size, shift))


@cases
def test_layout_has_every_window_of_the_loop_once_with_its_own_mask(size, window_size, shift):
    x = torch.randn(2, *size, 3)
    layout = window_layout(2, size, window_size, shift, CPU)
    tokens = math.prod(window_size)
    assert layout.tokens == tokens
    windows = layout.partition(x).unflatten(0, (-1, tokens))
    masks = official_mask(size, window_size, shift)
    todo = [
        (window, mask)
        for windows_BLC, mask in zip(windows_by_loop(x, window_size, shift), masks, strict=True)
        for window in windows_BLC
    ]
    assert layout.groups[0].start == 0
    assert layout.groups[-1].stop == len(windows) == len(todo)
    for group in layout.groups:
        mask = torch.zeros(tokens, tokens) if group.mask is None else group.mask
        for window in windows[group.start : group.stop]:
            found = [i for i, (other, its) in enumerate(todo) if torch.equal(window, other) and torch.equal(mask, its)]
            assert found
            del todo[found[0]]
    assert todo == []
    assert [g.stop for g in layout.groups[:-1]] == [g.start for g in layout.groups[1:]]
    assert torch.equal(layout.merge(windows.flatten(0, 1), x.shape[:-1]), x)


@cases
def test_parts_are_slices_of_the_partition(size, window_size, shift):
    x = torch.randn(2, *size, 3)
    layout = window_layout(2, size, window_size, shift, CPU)
    whole = layout.partition(x)
    for start in range(0, len(whole), 5):
        part, padding = layout.partition_part(x.flatten(0, -2), slice(start, start + 5))
        part = part.clone() if padding is None else part.index_fill(0, padding, 0)
        assert torch.equal(part, whole[start : start + 5])


@pytest.mark.parametrize(('size', 'window_size', 'shift'), [CASES[3], CASES[6], CASES[9]], ids=str)
def test_gradients_of_partition_and_merge(size, window_size, shift):
    layout = window_layout(2, size, window_size, shift, CPU)
    x = torch.randn(2, *size, 1, dtype=torch.float64, requires_grad=True)
    rows = torch.randn(len(layout.gather), 1, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(layout.partition, x)
    torch.autograd.gradcheck(lambda rows: layout.merge(rows, x.shape[:-1]), rows)
    torch.autograd.gradgradcheck(layout.partition, x)
