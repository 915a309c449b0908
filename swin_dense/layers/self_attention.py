"""Multi-head self-attention among all tokens of a map or a window (ViT), with relative positions or without (ViTDet).

Layout: (N, L, C); q, k, v are (N, heads, L, D) views of one product. Legend in suffixes: N sequences, L tokens, H W map
of tokens, C channels, h heads, D channels per head.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.layers.linear import Linear
from swin_dense.layers.position import relative_rows
from swin_dense.layers.windows import Size


class SelfAttention(nn.Module):
    """Attention among all tokens of a sequence; parameters are named as in timm, DeiT and ViTDet.

    Args:
        channels: C, a multiple of `num_heads`.
        num_heads: number of heads.
        relative_grid: (height, width) in tokens that the tables of relative positions are for; None: has none.
    """

    def __init__(self, *, channels: int, num_heads: int, relative_grid: Size | None = None) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'num_heads must divide embed_dims; {channels} % {num_heads} is not 0.')
        self.num_heads = num_heads
        self.has_relative_positions = relative_grid is not None
        if relative_grid is not None:
            height, width = relative_grid
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * height - 1, channels // num_heads))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * width - 1, channels // num_heads))
        self.qkv = Linear(channels, channels * 3)
        self.proj = Linear(channels, channels)

    def attend(self, x_NLC: Tensor, size: Size) -> Tensor:
        """Attention without the output projection, (N, L, C) -> (N, L, C).

        `size` is (height, width) of the map that the tokens are; it matters to relative positions alone.
        """
        q, k, v = self.qkv(x_NLC).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        bias = self.position_bias(q, size) if self.has_relative_positions else None
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)

    def position_bias(self, q_NhLD: Tensor, size: Size) -> Tensor:
        """(N, heads, L, L), added to the logits: the query with a row for the height and one for the width.

        ViTDet's decomposed relative positions (MViTv2, arXiv 2112.01526, section 4.1): the query is not scaled.
        """
        q_NhHWD = q_NhLD.unflatten(2, size)
        along_height = torch.einsum('nhyxd,ykd->nhyxk', q_NhHWD, relative_rows(self.rel_pos_h, size[0]))
        along_width = torch.einsum('nhyxd,xkd->nhyxk', q_NhHWD, relative_rows(self.rel_pos_w, size[1]))
        return (along_height[..., :, None] + along_width[..., None, :]).flatten(4).flatten(2, 3)
