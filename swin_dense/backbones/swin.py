"""Swin Transformer (Liu et al., 2021, arXiv 2103.14030) as a dense backbone.

Follows the official detection and segmentation code (SwinTransformer/Swin-Transformer-Object-Detection@c7b2011), with
its parameter names.
"""

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from swin_dense.backbones.base import resolved_arch
from swin_dense.backbones.hierarchy import HierarchicalBackbone, Stage, stage_fields
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
class SwinTransformer(HierarchicalBackbone):
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
        depths, num_heads = stage_fields(fields, 'depths', 'num_heads')
        window = fields.get('window_size', 7) if window_size is None else window_size
        if window < 1:
            raise ValueError(f'window_size is a number of tokens, at least 1; got {window}.')
        channels = [fields['embed_dims'] * 2**stage for stage in range(len(depths))]
        rates = rising_rates(drop_path_rate, sum(depths))

        def make_stage(stage: int, followed: bool) -> nn.Module:
            blocks = [
                SwinBlock(
                    channels=channels[stage],
                    num_heads=num_heads[stage],
                    window_size=(window, window),
                    hidden_channels=int(channels[stage] * fields.get('mlp_ratio', 4)),
                    drop_path_rate=rates[sum(depths[:stage]) + block],
                    shifted=block % 2 == 1,
                    clamp_shift=clamp_shift,
                )
                for block in range(depths[stage])
            ]
            downsample = PatchMerging(channels=channels[stage]) if followed else None
            return Stage(blocks=blocks, downsample=downsample, activation_checkpointing=activation_checkpointing)

        self.assemble(
            depths=depths,
            channels=channels,
            out_indices=out_indices,
            num_frozen_stages=num_frozen_stages,
            patch_embed=PatchEmbedding(
                in_channels=in_channels, channels=channels[0], patch_size=PATCH_SIZE, norm=nn.LayerNorm(channels[0])
            ),
            patch_size=PATCH_SIZE,
            make_stage=make_stage,
            make_norm=nn.LayerNorm,
        )
        self.apply(initialize_transformer_weights)


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
