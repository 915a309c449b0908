"""The block of Swin and Video Swin: attention within windows, shifted or not, then an MLP.

Layout: (B, S, C). Legend in suffixes: B batch, S the axes of a map (H W of an image, T H W of a clip), C channels, N
windows, L tokens per window.
"""

from math import prod

import torch
from torch import Tensor, nn

from swin_dense.layers.attention import WindowAttention, rows_of_offsets
from swin_dense.layers.drop_path import ResidualDropPath
from swin_dense.layers.mlp import MLP
from swin_dense.layers.tiles import mlp_residual_, window_attention_residual, works_in_tiles
from swin_dense.layers.tracing import is_traced, known_true
from swin_dense.layers.windows import (
    Extent,
    WindowLayout,
    merge_windows,
    padded_extent,
    partition_windows,
    shifted_window_mask,
    window_layout,
)


class SwinBlock(nn.Module):
    """x + attention(norm1(x)), then x + mlp(norm2(x)), on (B, S, C).

    Args:
        channels: C, a multiple of `num_heads`.
        num_heads: number of heads.
        window_size: tokens along each axis of a window, (height, width) or (time, height, width).
        hidden_channels: of the MLP.
        drop_path_rate: of both branches.
        shift: tokens that the windows are shifted by along each axis: zeros, or half their size.
        clamp_shift: do not shift along an axis that one window covers.
        clamp_window: where the map is smaller than a window, take a smaller window rather than pad the map. Needs
            `clamp_shift`: no window is shifted along an axis that it covers.
        exact_clamped_bias, position_bias: see `WindowAttention`.
    """

    def __init__(
        self,
        *,
        channels: int,
        num_heads: int,
        window_size: Extent,
        hidden_channels: int,
        drop_path_rate: float,
        shift: Extent,
        clamp_shift: bool,
        clamp_window: bool = False,
        exact_clamped_bias: bool = False,
        position_bias: bool = True,
    ) -> None:
        super().__init__()
        assert clamp_shift or not clamp_window
        self.window_size = window_size
        self.shift = shift
        self.clamp_shift = clamp_shift
        self.clamp_window = clamp_window
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(
            channels=channels,
            num_heads=num_heads,
            window_size=window_size,
            exact_clamped_bias=exact_clamped_bias,
            position_bias=position_bias,
        )
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = MLP(channels=channels, hidden_channels=hidden_channels)
        self.drop_path = ResidualDropPath(drop_path_rate)

    def forward(self, x_BSC: Tensor) -> Tensor:
        drops = self.training and self.drop_path.rate > 0
        if works_in_tiles(x_BSC) and not drops:
            x_BSC = window_attention_residual(x_BSC, self.norm1, self.attn, self.layout(x_BSC))
            return mlp_residual_(x_BSC, self.norm2, self.mlp)
        x_BSC = self.drop_path(x_BSC, self._attend(self.norm1(x_BSC)))
        return self.drop_path(x_BSC, self.mlp(self.norm2(x_BSC)))

    def layout(self, x_BSC: Tensor) -> WindowLayout:
        """Where each token of a batch of maps sits in the windows of this block."""
        extent = tuple(x_BSC.shape[1:-1])
        return window_layout(len(x_BSC), extent, self._window_at(extent), self._shift_at(extent), x_BSC.device)

    def _attend(self, x_BSC: Tensor) -> Tensor:
        if is_traced(x_BSC):
            return self._attend_traced(x_BSC)
        layout = self.layout(x_BSC)
        windows_NLC = layout.partition(x_BSC).unflatten(0, (-1, layout.tokens))
        attended_NLC = self.attn.attend(windows_NLC, layout.groups, self.attn.position_bias(layout.window_size))
        return self.attn.proj(layout.merge(attended_NLC.flatten(0, 1), x_BSC.shape[:-1]))

    def _window_at(self, extent: Extent) -> Extent:
        if not self.clamp_window:
            return self.window_size
        return tuple(min(side, window) for side, window in zip(extent, self.window_size, strict=True))

    def _shift_at(self, extent: Extent) -> Extent:
        if not self.clamp_shift:
            return self.shift
        # no `if`: by the size of a map that varies, a choice would be compiled in
        return tuple(
            step * torch.sym_min(torch.sym_max(side - window, 0), 1)
            for step, side, window in zip(self.shift, extent, self.window_size, strict=True)
        )

    # --- for compilers and exporters ---------------------------------------------------------------------------------

    def _attend_traced(self, x_BSC: Tensor) -> Tensor:
        """The same in operations that a compiler fuses and that export with any size."""
        batch, *sides = x_BSC.shape[:-1]
        extent, shift = tuple(sides), self._shift_at(tuple(sides))
        if self.clamp_window and not self._clamping_is_known(extent):
            window, bias_hLL = self.window_size, self._bias_of_any_clamping(extent, x_BSC.device)
            mask = _mask_beyond_clamped(extent, window, device=x_BSC.device)
        else:
            window, mask = self._window_at(extent), None
            bias_hLL = self.attn.position_bias(window)
        if any(self.shift) and not all(known_true(step == 0) for step in shift):
            shifted = shifted_window_mask(extent, window, shift, device=x_BSC.device)
            mask = shifted if mask is None else mask + shifted
        if mask is not None:
            mask = mask.repeat(batch, 1, 1)
        windows_NLC = partition_windows(x_BSC, window, shift)
        attended_NLC = self.attn.attend_traced(windows_NLC, bias_hLL, mask)
        return self.attn.proj(merge_windows(attended_NLC, (batch, *extent), window, shift))

    def _clamping_is_known(self, extent: Extent) -> bool:
        return all(
            known_true(side >= window) or known_true(side < window)
            for side, window in zip(extent, self.window_size, strict=True)
        )

    def _bias_of_any_clamping(self, extent: Extent, device: torch.device) -> Tensor:
        """(heads, L, L) of whole windows, of whose tokens only those within the map matter."""
        token_L = torch.arange(prod(self.window_size), device=device)
        if not self.attn.exact_clamped_bias:
            # a token's number in the clamped window is what the official code takes for its number in the whole one
            number_L = torch.zeros_like(token_L)
            clamped = tuple(torch.sym_min(side, window) for side, window in zip(extent, self.window_size, strict=True))
            for position_L, side in zip(_positions(token_L, self.window_size), clamped, strict=True):
                number_L = number_L * side + position_L
            token_L = number_L.clamp(max=len(token_L) - 1)
        return self.attn.bias_of_rows(rows_of_offsets(_positions(token_L, self.window_size), self.window_size))


def _positions(token_L: Tensor, window_size: Extent) -> Tensor:
    """(axes, L), where the tokens of these numbers lie in a window."""
    after = [prod(window_size[axis + 1 :]) for axis in range(len(window_size))]
    return torch.stack([token_L // rest % side for rest, side in zip(after, window_size, strict=True)])


def _mask_beyond_clamped(extent: Extent, window_size: Extent, *, device: torch.device) -> Tensor:
    """(windows, L, L): -inf at keys beyond a map that is smaller than the window, where the window ends with the map;
    padding of larger maps takes part.
    """
    beyond_S = torch.zeros((), dtype=torch.bool, device=device)
    for whole, side, window in zip(padded_extent(extent, window_size), extent, window_size, strict=True):
        covers = torch.sym_min(torch.sym_max(window - side, 0), 1)  # 1 where the map is smaller
        end = whole - covers * (whole - side)
        beyond_S = beyond_S[..., None] | (torch.arange(whole, device=device) >= end)
    beyond_NL = partition_windows(beyond_S[None, ..., None], window_size, (0,) * len(window_size))[..., 0]
    mask_NL = torch.zeros_like(beyond_NL, dtype=torch.float32).masked_fill(beyond_NL, float('-inf'))
    return mask_NL[:, None, :].expand(-1, mask_NL.shape[1], -1)
