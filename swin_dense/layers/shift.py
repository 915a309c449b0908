"""Moving channels of a map by pixels: the mixing of ShiftViT (Wang et al., 2022, section 3.2), channels-last.

Four groups of channels move left, right, up and down; what leaves the map is dropped, what is empty is zero. In eager
mode each value is read once and written once: the copy that a block's output is written to anyway.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from swin_dense.layers.tracing import is_traced

HEIGHT, WIDTH = 1, 2  # axes of (B, H, W, C)
# (axis, direction) of each group, in the official order: left, right, up, down
MOVES = ((WIDTH, -1), (WIDTH, 1), (HEIGHT, -1), (HEIGHT, 1))


def channel_shift(x_BHWC: Tensor, group_channels: int, pixels: int) -> Tensor:
    """A copy with the first `group_channels` channels `pixels` further left, the next as many right, then up, down."""
    if is_traced(x_BHWC):
        return _shift_traced(x_BHWC, group_channels, pixels)
    return _ChannelShift.apply(x_BHWC, group_channels, pixels)


def _groups(x_BHWC: Tensor, group_channels: int) -> Iterator[tuple[Tensor, int, int]]:
    for number, (axis, direction) in enumerate(MOVES):
        yield x_BHWC.narrow(-1, number * group_channels, group_channels), axis, direction


def _move(source: Tensor, target: Tensor, axis: int, offset: int) -> None:
    """Writes `source`, moved by `offset` pixels along `axis`, to `target`, which is other memory."""
    size = source.shape[axis]
    distance = min(abs(offset), size)
    kept = size - distance
    start, empty = (distance, 0) if offset > 0 else (0, kept)
    target.narrow(axis, start, kept).copy_(source.narrow(axis, distance - start, kept))
    target.narrow(axis, empty, distance).zero_()


class _ChannelShift(torch.autograd.Function):
    """Its gradient moves back, by the pixels negated: what was dropped gets zero."""

    @staticmethod
    def forward(ctx: Any, x_BHWC: Tensor, group_channels: int, pixels: int) -> Tensor:
        ctx.group_channels, ctx.pixels = group_channels, pixels
        moved = torch.empty_like(x_BHWC, memory_format=torch.contiguous_format)
        for (source, axis, direction), (target, _, _) in zip(
            _groups(x_BHWC, group_channels), _groups(moved, group_channels), strict=True
        ):
            _move(source, target, axis, direction * pixels)
        still = group_channels * len(MOVES)
        moved[..., still:].copy_(x_BHWC[..., still:])
        return moved

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        # through apply, so that gradients of gradients work
        return _ChannelShift.apply(gradients[0], ctx.group_channels, -ctx.pixels), None, None


def _shift_traced(x_BHWC: Tensor, group_channels: int, pixels: int) -> Tensor:
    """The same in operations that a compiler fuses into one pass."""
    size = x_BHWC.shape
    moved = []
    for group, axis, direction in _groups(x_BHWC, group_channels):
        padding = [0] * 6  # of channels, width, height, each before and after; before where the map moves on
        padding[2 * (3 - axis) + (direction < 0)] = pixels
        moved.append(F.pad(group, padding).narrow(axis, 0 if direction > 0 else pixels, size[axis]))
    return torch.cat([*moved, x_BHWC[..., group_channels * len(MOVES) :]], dim=-1)
