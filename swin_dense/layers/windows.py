"""Cutting a map into windows, cyclically shifted or not, and putting it together again.

Layout: maps are (B, S, C), windows (N, L, C). Legend in suffixes: B batch, S the axes of a map (H W of an image, T H W
of a clip), C channels, N windows of all images, L tokens per window. `partition_windows` and `merge_windows` are the
definition, in operations that a compiler can fuse. `WindowLayout` is the same as one gather each way: pad, shift and
partition together move each token once. Its windows are ordered by attention mask, of which an image has at most four
and a clip eight, so that no mask per window is ever stored.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from swin_dense.layers.cache import cached_table
from swin_dense.layers.tracing import known_true

Size = tuple[int, int]  # (height, width)
Extent = tuple[int, ...]  # (height, width) of a map, (time, height, width) of a clip
# Official Swin: added to the logits of tokens that were not neighbours before the cyclic shift.
NOT_NEIGHBOURS = -100.0


def padded_extent(extent: Extent, window_size: Extent) -> Extent:
    """The map's extent, grown at the end of each axis to whole windows."""
    return tuple((side + window - 1) // window * window for side, window in zip(extent, window_size, strict=True))


def partition_windows(x_BSC: Tensor, window_size: Extent, shift: Extent) -> Tensor:
    """Pads with zeros, shifts cyclically towards the origin by `shift`, cuts: (B, S, C) -> (N, L, C)."""
    batch, *extent, channels = x_BSC.shape
    padded = padded_extent(tuple(extent), window_size)
    missing = [(0, whole - side) for whole, side in zip(padded, extent, strict=True)]
    x_BSC = F.pad(x_BSC, (0, 0, *chain.from_iterable(reversed(missing))))
    axes = len(window_size)
    if _moves(shift):
        x_BSC = torch.roll(x_BSC, tuple(-step for step in shift), tuple(range(1, axes + 1)))
    counts = [whole // window for whole, window in zip(padded, window_size, strict=True)]
    x = x_BSC.reshape(batch, *chain.from_iterable(zip(counts, window_size, strict=True)), channels)
    x = x.permute(0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1)
    return x.reshape(batch * prod(counts), prod(window_size), channels)


def merge_windows(windows_NLC: Tensor, size: Extent, window_size: Extent, shift: Extent) -> Tensor:
    """Undoes `partition_windows` for maps of `size`, which is (B, S): (N, L, C) -> (B, S, C)."""
    batch, *extent = size
    padded, axes = padded_extent(tuple(extent), window_size), len(window_size)
    counts = [whole // window for whole, window in zip(padded, window_size, strict=True)]
    x = windows_NLC.reshape(batch, *counts, *window_size, windows_NLC.shape[-1])
    x = x.permute(0, *chain.from_iterable((1 + axis, 1 + axes + axis) for axis in range(axes)), 2 * axes + 1)
    x_BSC = x.reshape(batch, *padded, windows_NLC.shape[-1])
    if _moves(shift):
        x_BSC = torch.roll(x_BSC, shift, tuple(range(1, axes + 1)))
    # always a copy, which compilers fuse: whether a view is contiguous depends on whether windows fit, and would be
    # compiled in
    inside = (slice(None), *(slice(side) for side in extent))
    return x_BSC[inside].clone(memory_format=torch.contiguous_format)


def _moves(shift: Extent) -> bool:
    """Whether a shift is one; where compilers do not know its size, it is taken for one."""
    return not all(known_true(step == 0) for step in shift)


def shifted_window_mask(extent: Extent, window_size: Extent, shift: Extent, *, device: torch.device) -> Tensor:
    """The additive mask of every window of one map, (windows, L, L): 0 between neighbours, -100 elsewhere."""
    region_S = torch.zeros((), dtype=torch.long, device=device)
    # pad first: the regions are those of the padded grid
    for whole, step in zip(padded_extent(extent, window_size), shift, strict=True):
        # of the official regions along an axis, those that meet within a window: what came over the edge, and the rest
        wrapped = torch.arange(whole, device=device) >= whole - step
        region_S = region_S[..., None] * 2 + wrapped.long()
    region_NL = partition_windows(region_S[None, ..., None], window_size, (0,) * len(window_size))[..., 0]
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
        window_size: tokens along each axis of a window.
        gather: (N * L,) row of the flattened (B * S, C) map that each window token is; 0 for padding.
        padding: ascending positions in `gather` that are padding, or None where the windows fit.
        scatter: (B * S,) position in `gather` of each token of the map.
        groups: the windows in order, grouped by attention mask.
    """

    window_size: Extent
    gather: Tensor
    padding: Tensor | None
    scatter: Tensor
    groups: tuple[WindowGroup, ...]

    @property
    def tokens(self) -> int:
        """L."""
        return prod(self.window_size)

    @cached_property
    def _padding_positions(self) -> list[int]:
        return [] if self.padding is None else self.padding.tolist()

    def partition_part(self, rows: Tensor, part: slice) -> tuple[Tensor, Tensor | None]:
        """Rows `part` of `gather` from (B * S, C), and which of them are padding (their content means nothing)."""
        first, last = (bisect_left(self._padding_positions, edge) for edge in (part.start, part.stop))
        padding = None if first == last or self.padding is None else self.padding[first:last] - part.start
        return rows.index_select(0, self.gather[part]), padding

    def partition(self, x_BSC: Tensor) -> Tensor:
        """(B, S, C) -> (N * L, C), padding zero."""
        return _MoveRows.apply(x_BSC.flatten(0, -2), self.gather, self.padding, self.scatter, None)

    def merge(self, rows: Tensor, size: Extent) -> Tensor:
        """(N * L, C) -> (B, S, C), padding dropped; `size` is (B, S)."""
        return _MoveRows.apply(rows, self.scatter, None, self.gather, self.padding).unflatten(0, size)


@cached_table(max_entries=128)
def window_layout(batch: int, extent: Extent, window_size: Extent, shift: Extent, device: torch.device) -> WindowLayout:
    """The layout of a batch of maps of `extent`, shifted towards the origin by `shift` (zeros: not at all)."""
    token_S = torch.arange(1, prod(extent) + 1).view(1, *extent, 1)
    token_NL = partition_windows(token_S, window_size, shift)[..., 0]
    group_of_window, masks = _masks_by_window(extent, window_size, shift)

    offsets_B = torch.arange(batch).view(-1, 1, 1) * prod(extent)
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
    scatter = torch.empty(batch * prod(extent), dtype=torch.long)
    scatter[gather[gather >= 0]] = (gather >= 0).nonzero()[:, 0]
    return WindowLayout(
        window_size=window_size,
        gather=gather.clamp(min=0).int().to(device),
        padding=padding.to(device) if len(padding) else None,
        scatter=scatter.int().to(device),
        groups=tuple(groups),
    )


def _masks_by_window(extent: Extent, window_size: Extent, shift: Extent) -> tuple[Tensor, list[Tensor | None]]:
    """The mask's number for each window of one map, and the masks: inside, right edge, bottom edge, corner; and so on
    for the last windows in time.
    """
    kind_S = torch.zeros((), dtype=torch.long)
    for whole, window, step in zip(padded_extent(extent, window_size), window_size, shift, strict=True):
        is_last = torch.arange(whole // window) == whole // window - 1
        kind_S = kind_S[..., None] * 2 + (is_last & (step > 0)).long()
    # a map of two windows along each axis has a window of every kind, in this order
    twice = tuple(2 * window for window in window_size)
    mask_of_kind = shifted_window_mask(twice, window_size, shift, device=torch.device('cpu'))
    kinds, number = torch.unique(kind_S.flatten(), return_inverse=True)
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
