"""Swin Transformer (Liu et al., 2021, arXiv 2103.14030) as a dense backbone.

Follows the official detection and segmentation code (SwinTransformer/Swin-Transformer-Object-Detection@c7b2011), with
its parameter names. All inside is channels-last, (B, H, W, C); levels leave as (B, C, H, W) views of that memory.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from swin_dense.backbones.base import Backbone, checked_out_indices, resolved_arch
from swin_dense.layers.attention import WindowAttention
from swin_dense.layers.drop_path import ResidualDropPath, rising_rates
from swin_dense.layers.mlp import MLP
from swin_dense.layers.patches import PatchEmbedding, PatchMerging, initialize_transformer_weights
from swin_dense.layers.tiles import mlp_residual_, window_attention_residual, works_in_tiles
from swin_dense.layers.tracing import is_traced
from swin_dense.layers.windows import Size, merge_windows, partition_windows, shifted_window_mask, window_layout
from swin_dense.registry import MODELS

ARCHITECTURES = {
    'tiny': {'embed_dims': 96, 'depths': (2, 2, 6, 2), 'num_heads': (3, 6, 12, 24)},
    'small': {'embed_dims': 96, 'depths': (2, 2, 18, 2), 'num_heads': (3, 6, 12, 24)},
    'base': {'embed_dims': 128, 'depths': (2, 2, 18, 2), 'num_heads': (4, 8, 16, 32)},
    'large': {'embed_dims': 192, 'depths': (2, 2, 18, 2), 'num_heads': (6, 12, 24, 48)},
}
PATCH_SIZE = 4


@MODELS.register_module()
class SwinTransformer(Backbone):
    """Swin Transformer: levels of stride 4, 8, 16, 32 with C, 2C, 4C, 8C channels.

    Args:
        arch: 'tiny', 'small', 'base', 'large', or a dict with `embed_dims` (C), `depths` and `num_heads` (one a stage),
            and optionally `window_size` (7) and `mlp_ratio` (4).
        window_size: tokens along each side of a window; None takes that of `arch`.
        drop_path_rate: stochastic depth, rising linearly from 0 at the first block to this at the last.
        out_indices: levels to return. Stages after the last one are not built.
        num_frozen_stages: 0: none; n: the patch embedding and the first n stages, with their output norms.
        activation_checkpointing: work blocks out again in the backward pass rather than keep their activations.
        in_channels: of the images.
        clamp_shift: do not shift along an axis that one window covers, as the official classification code (and timm,
            torchvision) does at 224 pixels. The official detection and segmentation code always shifts.
        init_cfg: dict(type='Pretrained', checkpoint=...) or None.
    """

    def __init__(
        self,
        *,
        arch: str | dict[str, Any] = 'tiny',
        window_size: int | None = None,
        drop_path_rate: float = 0.2,
        out_indices: Iterable[int] = (0, 1, 2, 3),
        num_frozen_stages: int = 0,
        activation_checkpointing: bool = False,
        in_channels: int = 3,
        clamp_shift: bool = False,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        fields = resolved_arch(arch, ARCHITECTURES, optional=('window_size', 'mlp_ratio'))
        depths, num_heads = tuple(fields['depths']), tuple(fields['num_heads'])
        if len(depths) != len(num_heads):
            raise ValueError(f'depths and num_heads have one entry a stage; got {depths} and {num_heads}.')
        self.out_indices = checked_out_indices(out_indices, len(depths))
        if not 0 <= num_frozen_stages <= len(depths):
            raise ValueError(f'num_frozen_stages is from 0 to {len(depths)}; got {num_frozen_stages}.')
        window = fields.get('window_size', 7) if window_size is None else window_size
        if window < 1:
            raise ValueError(f'window_size is a number of tokens, at least 1; got {window}.')
        channels = [fields['embed_dims'] * 2**stage for stage in range(len(depths))]
        drop_path_rates = rising_rates(drop_path_rate, sum(depths))

        self.out_channels = tuple(channels[i] for i in self.out_indices)
        self.out_strides = tuple(PATCH_SIZE * 2**i for i in self.out_indices)
        self._depths = depths[: self.out_indices[-1] + 1]
        self.patch_embed = PatchEmbedding(in_channels=in_channels, channels=channels[0], patch_size=PATCH_SIZE)
        self.layers = nn.ModuleList()
        for stage in range(self.out_indices[-1] + 1):
            first_block = sum(depths[:stage])
            self.layers.append(
                SwinStage(
                    channels=channels[stage],
                    num_heads=num_heads[stage],
                    window_size=(window, window),
                    hidden_channels=int(channels[stage] * fields.get('mlp_ratio', 4)),
                    drop_path_rates=drop_path_rates[first_block : first_block + depths[stage]],
                    downsample=stage < self.out_indices[-1],
                    activation_checkpointing=activation_checkpointing,
                    clamp_shift=clamp_shift,
                )
            )
            if stage in self.out_indices:
                self.add_module(f'norm{stage}', nn.LayerNorm(channels[stage]))
        self.apply(initialize_transformer_weights)
        if num_frozen_stages:
            norms = [self.get_submodule(f'norm{i}') for i in self.out_indices if i < num_frozen_stages]
            self.freeze([self.patch_embed, *self.layers[:num_frozen_stages], *norms])

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, in_channels, H, W) -> (B, C 2^i, ceil(H / stride_i), ceil(W / stride_i)) for i in `out_indices`."""
        x_BHWC = self.patch_embed(images)
        levels = []
        for stage, layer in enumerate(self.layers):
            level_BHWC, x_BHWC = layer(x_BHWC)
            if stage in self.out_indices:
                levels.append(self.get_submodule(f'norm{stage}')(level_BHWC).permute(0, 3, 1, 2))
        return tuple(levels)

    def param_depth(self, name: str) -> int:
        """0: patch embedding; 1, 2, ...: blocks, a merging layer with the block before it; last + 1: output norms."""
        if name.startswith('patch_embed.'):
            return 0
        if not name.startswith('layers.'):
            return sum(self._depths) + 1
        stage, kind, block = name.split('.')[1:4]
        blocks_before = sum(self._depths[: int(stage)])
        return blocks_before + (int(block) + 1 if kind == 'blocks' else self._depths[int(stage)])


class SwinStage(nn.Module):
    """Blocks on one resolution, every second one shifted, and the merging layer to the next stage if there is one.

    Returns its level and the next stage's input, (B, H, W, C) and (B, H/2, W/2, 2 C); both are the level for the last.
    """

    def __init__(
        self,
        *,
        channels: int,
        num_heads: int,
        window_size: Size,
        hidden_channels: int,
        drop_path_rates: list[float],
        downsample: bool,
        activation_checkpointing: bool,
        clamp_shift: bool,
    ) -> None:
        super().__init__()
        self.activation_checkpointing = activation_checkpointing
        self.blocks = nn.ModuleList(
            SwinBlock(
                channels=channels,
                num_heads=num_heads,
                window_size=window_size,
                hidden_channels=hidden_channels,
                drop_path_rate=rate,
                shifted=block % 2 == 1,
                clamp_shift=clamp_shift,
            )
            for block, rate in enumerate(drop_path_rates)
        )
        self.downsample = PatchMerging(channels=channels) if downsample else None

    def forward(self, x_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        for block in self.blocks:
            if self.activation_checkpointing and torch.is_grad_enabled():
                x_BHWC = checkpoint(block, x_BHWC, use_reentrant=False)
            else:
                x_BHWC = block(x_BHWC)
        return x_BHWC, x_BHWC if self.downsample is None else self.downsample(x_BHWC)


class SwinBlock(nn.Module):
    """x + attention(norm1(x)), then x + mlp(norm2(x)), on (B, H, W, C)."""

    def __init__(
        self,
        *,
        channels: int,
        num_heads: int,
        window_size: Size,
        hidden_channels: int,
        drop_path_rate: float,
        shifted: bool,
        clamp_shift: bool,
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.shift: Size = (window_size[0] // 2, window_size[1] // 2) if shifted else (0, 0)
        self.clamp_shift = clamp_shift
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels=channels, num_heads=num_heads, window_size=window_size)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = MLP(channels=channels, hidden_channels=hidden_channels)
        self.drop_path = ResidualDropPath(drop_path_rate)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        drops = self.training and self.drop_path.rate > 0
        if works_in_tiles(x_BHWC) and not drops:
            x_BHWC = window_attention_residual(x_BHWC, self.norm1, self.attn, self._layout(x_BHWC))
            return mlp_residual_(x_BHWC, self.norm2, self.mlp)
        x_BHWC = self.drop_path(x_BHWC, self._attend(self.norm1(x_BHWC)))
        return self.drop_path(x_BHWC, self.mlp(self.norm2(x_BHWC)))

    def _attend(self, x_BHWC: Tensor) -> Tensor:
        if is_traced(x_BHWC):
            return self._attend_traced(x_BHWC)
        layout = self._layout(x_BHWC)
        windows_NLC = layout.partition(x_BHWC).unflatten(0, (-1, self.window_size[0] * self.window_size[1]))
        attended_NLC = self.attn.attend(windows_NLC, layout.groups, self.attn.position_bias())
        return self.attn.proj(layout.merge(attended_NLC.flatten(0, 1), x_BHWC.shape[:-1]))

    def _attend_traced(self, x_BHWC: Tensor) -> Tensor:
        """The same in operations that a compiler fuses and that export with any size."""
        batch, height, width, _ = x_BHWC.shape
        shift, mask = self._shift_at(x_BHWC), None
        if any(shift):
            mask = shifted_window_mask((height, width), self.window_size, shift, device=x_BHWC.device)
            mask = mask.repeat(batch, 1, 1)
        windows_NLC = partition_windows(x_BHWC, self.window_size, shift)
        attended_NLC = self.attn.attend_traced(windows_NLC, mask)
        return self.attn.proj(merge_windows(attended_NLC, (batch, height, width), self.window_size, shift))

    def _layout(self, x_BHWC: Tensor):
        batch, height, width, _ = x_BHWC.shape
        return window_layout(batch, (height, width), self.window_size, self._shift_at(x_BHWC), x_BHWC.device)

    def _shift_at(self, x_BHWC: Tensor) -> Size:
        if not self.clamp_shift:
            return self.shift
        height, width = x_BHWC.shape[1:3]
        return (
            self.shift[0] if height > self.window_size[0] else 0,
            self.shift[1] if width > self.window_size[1] else 0,
        )
