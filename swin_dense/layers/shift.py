"""Moving channels of a map by pixels: the mixing of ShiftViT (Wang et al., 2022, section 3.2), channels-last.

Four groups of channels move left, right, up and down; what leaves the map is dropped, what is empty is zero. In place
(`channel_shift_`) the moving channels are read once and written once, and nothing else is touched.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from swin_dense.layers.tracing import is_traced

HEIGHT, WIDTH = 1, 2  # axes of (B, H, W, C)
# (axis, direction) of each group, in the official order: left, right, up, down
MOVES = ((WIDTH, -1), (WIDTH, 1), (HEIGHT, -1), (HEIGHT, 1))
# What a thread of a CPU moves together: in cache between being read and being written.
TILE_BYTES = 1 << 20


def channel_shift(x_BHWC: Tensor, group_channels: int, pixels: int) -> Tensor:
    """A copy with the first `group_channels` channels `pixels` further left, the next as many right, then up, down."""
    if is_traced(x_BHWC):
        return _shift_traced(x_BHWC, group_channels, pixels)
    return _Shift.apply(x_BHWC, group_channels, pixels)


def channel_shift_(x_BHWC: Tensor, group_channels: int, pixels: int) -> tuple[Tensor, Tensor]:
    """`channel_shift` in the memory of `x_BHWC`, for a caller who has no more use for it; not for traced code.

    Returns the map twice, for two users, the shortcut and the branch of a block: the sum of their gradients is new
    memory, in which they are moved back. With one map autograd makes that sum, and moving it is a copy.

    Autograd takes `x_BHWC` for what it was before. Where an operation keeps it for its backward pass, that pass raises
    (memory has a version); what uses `x_BHWC` from now on gets the moved values with gradients of the old ones.
    """
    return _ForkedShift.apply(x_BHWC, group_channels, pixels)


def _shift_in_place(x_BHWC: Tensor, group_channels: int, pixels: int) -> None:
    """Reads the moving channels, with a margin of zeros around them, and writes each group from where it was.

    A CPU does this for a few rows at a time, downwards: the margin below is read from rows still to be written, that
    above is kept from the rows before.
    """
    batch, height, width, _ = x_BHWC.shape
    sign, across, along = 1 if pixels > 0 else -1, min(abs(pixels), width), min(abs(pixels), height)
    moving = x_BHWC[..., : group_channels * len(MOVES)]
    if not pixels or not moving.numel():
        return
    rows = height
    if x_BHWC.device.type == 'cpu':
        tile_bytes = TILE_BYTES * torch.get_num_threads()
        # at least as many as are carried from window to window, so that they do not overlap where they come from
        rows = min(height, max(2 * along, tile_bytes * height // (moving.numel() * moving.element_size())))
    window = moving.new_zeros(batch, rows + 2 * along, width + 2 * across, moving.shape[-1])
    inside = window[:, :, across : across + width]
    inside[:, along : 2 * along].copy_(moving[:, :along])
    for start in range(0, height, rows):
        count = min(rows, height - start)
        if start:  # the last rows of the window before, with the margin below them, are the first of this one
            inside[:, : 2 * along].copy_(inside[:, rows : rows + 2 * along])
        below = min(count + along, height - start)
        inside[:, 2 * along : along + below].copy_(moving[:, start + along : start + below])
        inside[:, along + below : 2 * along + count].zero_()
        for number, (axis, direction) in enumerate(MOVES):
            top, left = along, across
            if axis == HEIGHT:
                top -= sign * direction * along
            else:
                left -= sign * direction * across
            group = slice(number * group_channels, (number + 1) * group_channels)
            moving[:, start : start + count, :, group].copy_(window[:, top : top + count, left : left + width, group])


class _Shift(torch.autograd.Function):
    """Its gradient moves back, by the pixels negated: what was dropped gets zero."""

    @staticmethod
    def forward(ctx: Any, x_BHWC: Tensor, group_channels: int, pixels: int) -> Tensor:
        ctx.group_channels, ctx.pixels = group_channels, pixels
        moved = x_BHWC.clone(memory_format=torch.contiguous_format)
        _shift_in_place(moved, group_channels, pixels)
        return moved

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        # through apply, so that gradients of gradients work
        return _Shift.apply(gradients[0], ctx.group_channels, -ctx.pixels), None, None


class _ForkedShift(torch.autograd.Function):
    """The shift in place, with two outputs in one memory.

    Detached, they are no views to autograd, which would copy whole gradients for a view that is written to; and they
    share the version of the memory with all that was made from it.
    """

    @staticmethod
    def forward(ctx: Any, x_BHWC: Tensor, group_channels: int, pixels: int) -> tuple[Tensor, Tensor]:
        ctx.group_channels, ctx.pixels = group_channels, pixels
        ctx.set_materialize_grads(False)
        moved = x_BHWC.detach()
        _shift_in_place(moved, group_channels, pixels)
        return moved, moved.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None, None]:
        given = [gradient for gradient in gradients if gradient is not None]
        if not given:
            return None, None, None
        if len(given) == 1 or torch.is_grad_enabled():
            moved = _Shift.apply(sum(given[1:], given[0]), ctx.group_channels, -ctx.pixels)
        else:
            moved = torch.add(*given)
            _shift_in_place(moved, ctx.group_channels, -ctx.pixels)
        return moved, None, None


def _shift_traced(x_BHWC: Tensor, group_channels: int, pixels: int) -> Tensor:
    """The same in operations that a compiler fuses into one pass."""
    size = x_BHWC.shape
    moved = []
    for number, (axis, direction) in enumerate(MOVES):
        padding = [0] * 6  # of channels, width, height, each before and after; before where the map moves on
        padding[2 * (3 - axis) + (direction < 0)] = pixels
        group = x_BHWC.narrow(-1, number * group_channels, group_channels)
        moved.append(F.pad(group, padding).narrow(axis, 0 if direction > 0 else pixels, size[axis]))
    return torch.cat([*moved, x_BHWC[..., group_channels * len(MOVES) :]], dim=-1)
