"""What Swin and Video Swin share: archs, and stages of blocks with attention within windows."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from swin_dense.backbones.base import resolved_arch
from swin_dense.backbones.hierarchy import HierarchicalBackbone, Stage, stage_fields
from swin_dense.layers.drop_path import rising_rates
from swin_dense.layers.patches import PatchEmbedding, PatchMerging, initialize_transformer_weights
from swin_dense.layers.swin_block import SwinBlock
from swin_dense.layers.windows import Extent

ARCHITECTURES = {
    'tiny': {'embed_dims': 96, 'depths': (2, 2, 6, 2), 'num_heads': (3, 6, 12, 24)},
    'small': {'embed_dims': 96, 'depths': (2, 2, 18, 2), 'num_heads': (3, 6, 12, 24)},
    'base': {'embed_dims': 128, 'depths': (2, 2, 18, 2), 'num_heads': (4, 8, 16, 32)},
    'large': {'embed_dims': 192, 'depths': (2, 2, 18, 2), 'num_heads': (6, 12, 24, 48)},
}
OPTIONAL_FIELDS = ('window_size', 'mlp_ratio')
MLP_RATIO = 4


class WindowedBackbone(HierarchicalBackbone):
    """Patches, then stages of blocks in pairs: windows, then windows shifted by half their size.

    A subclass calls `assemble_windowed` at the end of its `__init__`.
    """

    def assemble_windowed(
        self,
        *,
        fields: dict[str, Any],
        window_size: Extent,
        patch_size: Extent,
        in_channels: int,
        drop_path_rate: float,
        out_indices: Iterable[int],
        num_frozen_stages: int,
        activation_checkpointing: bool,
        block_options: dict[str, bool],
        shifted_axes: tuple[bool, ...] | None = None,
    ) -> None:
        """Builds the backbone of `fields`, an arch.

        Args:
            window_size, patch_size: (height, width), or (time, height, width).
            block_options: further arguments of `SwinBlock`.
            shifted_axes: along which windows are shifted in every second block; None: all.
        """
        depths, num_heads = stage_fields(fields, 'depths', 'num_heads')
        channels = [fields['embed_dims'] * 2**stage for stage in range(len(depths))]
        shifted_axes = (True,) * len(window_size) if shifted_axes is None else shifted_axes
        half = tuple(side // 2 * shifts for side, shifts in zip(window_size, shifted_axes, strict=True))
        rates = rising_rates(drop_path_rate, sum(depths))

        def make_stage(stage: int, followed: bool) -> nn.Module:
            blocks = [
                SwinBlock(
                    channels=channels[stage],
                    num_heads=num_heads[stage],
                    window_size=window_size,
                    hidden_channels=int(channels[stage] * fields.get('mlp_ratio', MLP_RATIO)),
                    drop_path_rate=rates[sum(depths[:stage]) + block],
                    shift=half if block % 2 else (0,) * len(half),
                    **block_options,
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
                in_channels=in_channels, channels=channels[0], patch_size=patch_size, norm=nn.LayerNorm(channels[0])
            ),
            patch_size=patch_size[-1],
            make_stage=make_stage,
            make_norm=nn.LayerNorm,
        )
        self.apply(initialize_transformer_weights)


def windowed_arch(arch: str | dict[str, Any]) -> dict[str, Any]:
    """The fields of an arch of Swin or Video Swin, by name or as a dict."""
    return resolved_arch(arch, ARCHITECTURES, optional=OPTIONAL_FIELDS)
