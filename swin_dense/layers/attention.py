"""Multi-head self-attention within windows, with a relative position bias (Swin, section 3.2).

Layout: (N, L, C) windows; q, k, v are (N, heads, L, D) views of one product. Legend: N windows, L tokens per window,
C channels, D channels per head.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.layers.cache import cached_table
from swin_dense.layers.linear import Linear
from swin_dense.layers.packed_attention import packed_attention
from swin_dense.layers.windows import Size, WindowGroup


@cached_table(max_entries=32)
def relative_position_index(window_size: Size, device: torch.device) -> Tensor:
    """(L, L) row of the bias table for each pair (query, key) of a window, as the official code counts them."""
    rows, columns = window_size
    token = torch.arange(rows * columns, device=device)
    row, column = token // columns, token % columns
    row_offset = row[:, None] - row[None, :] + rows - 1
    column_offset = column[:, None] - column[None, :] + columns - 1
    return row_offset * (2 * columns - 1) + column_offset


class WindowAttention(nn.Module):
    """Attention within windows; parameters are named as in the official code.

    The relative position index is a cached table and no buffer: it is in no checkpoint, so that neither another window
    size nor a module made on the meta device can meet a stale one.

    Args:
        channels: C, a multiple of `num_heads`.
        num_heads: number of heads.
        window_size: (height, width) in tokens.
    """

    def __init__(self, *, channels: int, num_heads: int, window_size: Size) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'num_heads must divide the channels of its stage; {channels} % {num_heads} is not 0.')
        self.num_heads = num_heads
        self.window_size = window_size
        self.relative_position_bias_table = nn.Parameter(
            torch.zeros((2 * window_size[0] - 1) * (2 * window_size[1] - 1), num_heads)
        )
        self.qkv = Linear(channels, channels * 3)
        self.proj = Linear(channels, channels)

    def position_bias(self) -> Tensor:
        """(heads, L, L), added to the logits."""
        index = relative_position_index(self.window_size, self.relative_position_bias_table.device)
        return F.embedding(index, self.relative_position_bias_table).permute(2, 0, 1).contiguous()

    def attend(self, windows_NLC: Tensor, groups: tuple[WindowGroup, ...], bias: Tensor) -> Tensor:
        """Attention without the output projection, (N, L, C) -> (N, L, C).

        `groups` cut the N windows into runs that share one mask; `bias` is `position_bias()`.
        """
        return packed_attention(self.qkv(windows_NLC).unflatten(-1, (3, self.num_heads, -1)), bias, groups)

    def attend_traced(self, windows_NLC: Tensor, mask: Tensor | None) -> Tensor:
        """`attend` for tracers, with one (N, L, L) mask for the windows in their own order."""
        qkv = self.qkv(windows_NLC).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        bias = self.position_bias().to(q.dtype)[None]
        if mask is not None:
            bias = bias + mask.to(q.dtype)[:, None]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)
