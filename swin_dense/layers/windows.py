"""Cutting a map into windows, cyclically shifted or not, and putting it together again.

Layout: maps are (B, H, W, C), windows (N, L, C). Legend in suffixes: B batch, H W map, C channels, N windows of all
images, L tokens per window. `partition_windows` and `merge_windows` are the definition, in operations that a compiler
can fuse. `WindowLayout` is the same as one gather each way: pad, shift and partition together move each token once. Its
windows are ordered by attention mask, of which there are at most four, so that no mask per window is ever stored.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from swin_dense.layers.cache import cached_table

Size = tuple[int, int]
# Official Swin: added to the logits of tokens that were not neighbours before the cyclic shift.
NOT_NEIGHBOURS = -100.0


def padded_size(height: int, width: int, window_size: Size) -> Size:
    """The map's size, grown at the bottom and right to whole windows."""
    return (
        (height + window_size[0] - 1) // window_size[0] * window_size[0],
        (width + window_size[1] - 1) // window_size[1] * window_size[1],
    )


def partition_windows(x_BHWC: Tensor, window_size: Size, shift: Size) -> Tensor:
    """Pads with zeros, shifts cyclically up and left by `shift`, cuts: (B, H, W, C) -> (N, L, C)."""
    batch, height, width, channels = x_BHWC.shape
    padded_height, padded_width = padded_size(height, width, window_size)
    x_BHWC = F.pad(x_BHWC, (0, 0, 0, padded_width - width, 0, padded_height - height))
    if any(shift):
        x_BHWC = torch.roll(x_BHWC, (-shift[0], -shift[1]), (1, 2))
    rows, columns = padded_height // window_size[0], padded_width // window_size[1]
    x = x_BHWC.reshape(batch, rows, window_size[0], columns, window_size[1], channels)
    return x.transpose(2, 3).reshape(batch * rows * columns, window_size[0] * window_size[1], channels)


def merge_windows(windows_NLC: Tensor, size: tuple[int, int, int], window_size: Size, shift: Size) -> Tensor:
    """Undoes `partition_windows` for maps of `size`, which is (B, H, W): (N, L, C) -> (B, H, W, C)."""
    batch, height, width = size
    padded_height, padded_width = padded_size(height, width, window_size)
    rows, columns = padded_height // window_size[0], padded_width // window_size[1]
    x = windows_NLC.reshape(batch, rows, columns, window_size[0], window_size[1], windows_NLC.shape[-1])
    x_BHWC = x.transpose(2, 3).reshape(batch, padded_height, padded_width, windows_NLC.shape[-1])
    if any(shift):
        x_BHWC = torch.roll(x_BHWC, shift, (1, 2))
    # always a copy, which compilers fuse: whether a view is contiguous depends on whether windows fit, and would be
    # compiled in
    return x_BHWC[:, :height, :width].clone(memory_format=torch.contiguous_format)


def shifted_window_mask(size: Size, window_size: Size, shift: Size, *, device: torch.device) -> Tensor:
    """The additive mask of every window of one image, (windows, L, L): 0 between neighbours, -100 elsewhere."""
    padded = padded_size(*size, window_size)
    regions = []
    for axis in range(2):
        position = torch.arange(padded[axis], device=device)
        # pad first: the regions are those of the padded grid
        wrapped = (position >= padded[axis] - shift[axis]).long()
        last_window = (
            (position >= padded[axis] - window_size[axis]).long() if shift[axis] else torch.zeros_like(position)
        )
        regions.append(last_window + wrapped)
    region_HW = regions[0][:, None] * 3 + regions[1][None, :]
    region_NL = partition_windows(region_HW[None, :, :, None], window_size, (0, 0))[..., 0]
    return (region_NL[:, :, None] != region_NL[:, None, :]) * NOT_NEIGHBOURS


@dataclass(frozen=True, eq=False)
class WindowGroup:
    """Consecutive windows that share one attention mask."""

    start: int
    stop: int
    mask: Tensor | None  # (L, L), additive


@dataclass(frozen=True, eq=False)
class WindowLayout:
    """Where each token of a batch of maps sits in its windows, and back.

    Attributes:
        gather: (N * L,) row of the flattened (B * H * W, C) map that each window token is; 0 for padding.
        padding: ascending positions in `gather` that are padding, or None where the windows fit.
        scatter: (B * H * W,) position in `gather` of each token of the map.
        groups: the windows in order, grouped by attention mask.
    """

    gather: Tensor
    padding: Tensor | None
    scatter: Tensor
    groups: tuple[WindowGroup, ...]

    @cached_property
    def _padding_positions(self) -> list[int]:
        return [] if self.padding is None else self.padding.tolist()

    def partition_part(self, rows: Tensor, part: slice) -> tuple[Tensor, Tensor | None]:
        """Rows `part` of `gather` from (B * H * W, C), and which of them are padding (their content means nothing)."""
        first, last = (bisect_left(self._padding_positions, edge) for edge in (part.start, part.stop))
        padding = None if first == last or self.padding is None else self.padding[first:last] - part.start
        return rows.index_select(0, self.gather[part]), padding

    def partition(self, x_BHWC: Tensor) -> Tensor:
        """(B, H, W, C) -> (N * L, C), padding zero."""
        return _MoveRows.apply(x_BHWC.flatten(0, 2), self.gather, self.padding, self.scatter, None)

    def merge(self, rows: Tensor, size: tuple[int, ...]) -> Tensor:
        """(N * L, C) -> (B, H, W, C), padding dropped; `size` is (B, H, W)."""
        return _MoveRows.apply(rows, self.scatter, None, self.gather, self.padding).unflatten(0, size)


@cached_table(max_entries=128)
def window_layout(batch: int, size: Size, window_size: Size, shift: Size, device: torch.device) -> WindowLayout:
    """The layout of a batch of maps of `size` (height, width), shifted up and left by `shift` (0, 0: not at all)."""
    height, width = size
    token_HW = torch.arange(1, height * width + 1).view(1, height, width, 1)
    token_NL = partition_windows(token_HW, window_size, shift)[..., 0]
    group_of_window, masks = _masks_by_window(size, window_size, shift)

    offsets_B = torch.arange(batch).view(-1, 1, 1) * height * width
    tokens, groups, start = [], [], 0
    for group, mask in enumerate(masks):
        members_NL = token_NL[group_of_window == group]
        # row -1 marks padding, in every image of the batch
        tokens.append(torch.where(members_NL > 0, members_NL - 1 + offsets_B, -1).flatten())
        stop = start + batch * len(members_NL)
        groups.append(WindowGroup(start, stop, None if mask is None else mask.to(device)))
        start = stop

    gather = torch.cat(tokens)
    padding = (gather < 0).nonzero()[:, 0]
    scatter = torch.empty(batch * height * width, dtype=torch.long)
    scatter[gather[gather >= 0]] = (gather >= 0).nonzero()[:, 0]
    return WindowLayout(
        gather=gather.clamp(min=0).int().to(device),
        padding=padding.to(device) if len(padding) else None,
        scatter=scatter.int().to(device),
        groups=tuple(groups),
    )


def _masks_by_window(size: Size, window_size: Size, shift: Size) -> tuple[Tensor, list[Tensor | None]]:
    """The mask's number for each window of one image, and the masks: inside, right edge, bottom edge, corner."""
    padded = padded_size(*size, window_size)
    rows, columns = (padded[axis] // window_size[axis] for axis in range(2))
    at_bottom = (torch.arange(rows) == rows - 1) & (shift[0] > 0)
    at_right = (torch.arange(columns) == columns - 1) & (shift[1] > 0)
    kind = (at_bottom[:, None] * 2 + at_right[None, :] * 1).flatten()
    # a map of two windows by two has a window of every kind, in this order
    two_by_two = (2 * window_size[0], 2 * window_size[1])
    mask_of_kind = shifted_window_mask(two_by_two, window_size, shift, device=torch.device('cpu'))
    kinds, number = torch.unique(kind, return_inverse=True)
    masks = [None if one == 0 else mask_of_kind[one].clone() for one in kinds.tolist()]
    return number, masks


class _MoveRows(torch.autograd.Function):
    """rows[index], zero at `padding`. A row is taken at most once, so the gradient is a gather too, by the inverse."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, index: Tensor, padding: Tensor | None, inverse: Tensor, inverse_padding: Tensor | None
    ) -> Tensor:
        ctx.tables = (index, padding, inverse, inverse_padding)
        return _take_rows(rows, index, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        index, padding, inverse, inverse_padding = ctx.tables
        # through apply, so that gradients of gradients work
        return _MoveRows.apply(gradients[0], inverse, inverse_padding, index, padding), None, None, None, None


def _take_rows(rows: Tensor, index: Tensor, padding: Tensor | None) -> Tensor:
    taken = rows.index_select(0, index)
    return taken if padding is None else taken.index_fill_(0, padding, 0)
