"""Multi-head self-attention within windows, with a relative position bias (Swin, section 3.2).

Layout: (N, L, C) windows; q, k, v are (N, heads, L, D) views of one product. Legend: N windows, L tokens per window,
C channels, D channels per head.
"""

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.layers.cache import cached_table
from swin_dense.layers.linear import Linear
from swin_dense.layers.packed_attention import packed_attention
from swin_dense.layers.windows import Extent, WindowGroup


@cached_table(max_entries=64)
def relative_position_index(window_size: Extent, device: torch.device, *, within: Extent | None = None) -> Tensor:
    """(L, L) row of the bias table for each pair (query, key) of a window, as the official code counts them.

    Args:
        window_size: of the window that the table is for.
        within: of a smaller window whose L tokens are wanted, by their true offsets. None: `window_size`.
    """
    extent = window_size if within is None else within
    sides = [torch.arange(side, device=device) for side in extent]
    positions = torch.stack(torch.meshgrid(*sides, indexing='ij')).flatten(1)
    return rows_of_offsets(positions, window_size)


def rows_of_offsets(positions_AL: Tensor, window_size: Extent) -> Tensor:
    """(L, L) row of the bias table of `window_size` for each (query, key), from positions along each axis A."""
    index = torch.zeros((), dtype=torch.long, device=positions_AL.device)
    for position_L, side in zip(positions_AL, window_size, strict=True):
        index = index * (2 * side - 1) + position_L[:, None] - position_L[None, :] + side - 1
    return index


class WindowAttention(nn.Module):
    """Attention within windows; parameters are named as in the official code.

    The relative position index is a cached table and no buffer: it is in no checkpoint, so that neither another window
    size nor a module made on the meta device can meet a stale one.

    Args:
        channels: C, a multiple of `num_heads`.
        num_heads: number of heads.
        window_size: tokens along each axis, (height, width) or (time, height, width).
        exact_clamped_bias: give smaller windows the biases of their true offsets. The official Video Swin takes those
            of the first L tokens of the whole window, which is the same where it is clamped in time alone.
        position_bias: whether there is a bias; without it there is no table, and attention knows no positions.
    """

    def __init__(
        self,
        *,
        channels: int,
        num_heads: int,
        window_size: Extent,
        exact_clamped_bias: bool = False,
        position_bias: bool = True,
    ) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'num_heads must divide the channels of its stage; {channels} % {num_heads} is not 0.')
        self.num_heads = num_heads
        self.window_size = window_size
        self.exact_clamped_bias = exact_clamped_bias
        rows = prod(2 * side - 1 for side in window_size)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, num_heads)) if position_bias else None
        self.qkv = Linear(channels, channels * 3)
        self.proj = Linear(channels, channels)

    def position_bias(self, window_size: Extent | None = None) -> Tensor:
        """(heads, L, L), added to the logits of windows of `window_size`, at most that of the table."""
        device = self.qkv.weight.device
        if self.exact_clamped_bias:
            index = relative_position_index(self.window_size, device, within=window_size)
        else:
            tokens = prod(self.window_size if window_size is None else window_size)
            index = relative_position_index(self.window_size, device)[:tokens, :tokens]
        return self.bias_of_rows(index)

    def bias_of_rows(self, index_LL: Tensor) -> Tensor:
        """(heads, L, L), the rows of the table for each (query, key); zeros where there is none."""
        if self.relative_position_bias_table is None:
            return self.qkv.weight.new_zeros((self.num_heads, *index_LL.shape))
        return F.embedding(index_LL, self.relative_position_bias_table).permute(2, 0, 1).contiguous()

    def attend(self, windows_NLC: Tensor, groups: tuple[WindowGroup, ...], bias: Tensor) -> Tensor:
        """Attention without the output projection, (N, L, C) -> (N, L, C).

        `groups` cut the N windows into runs that share one mask; `bias` is `position_bias` of their size.
        """
        return packed_attention(self.qkv(windows_NLC).unflatten(-1, (3, self.num_heads, -1)), bias, groups)

    def attend_traced(self, windows_NLC: Tensor, bias_hLL: Tensor, mask: Tensor | None) -> Tensor:
        """`attend` for tracers, with one (N, L, L) mask for the windows in their own order."""
        qkv = self.qkv(windows_NLC).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        bias = bias_hLL.to(q.dtype)[None]
        if mask is not None:
            bias = bias + mask.to(q.dtype)[:, None]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)
