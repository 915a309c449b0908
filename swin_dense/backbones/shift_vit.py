"""ShiftViT (Wang et al., 2022, arXiv 2201.10801): a Swin whose attention is a shift of channels, without arithmetic.

Follows the official classification code (microsoft/SPACH@dcede1e, models/shiftvit.py), with its parameter names, and
has the levels of the official dense Swin: a norm for each, sizes rounded up. Its 1x1 convolutions are linear layers.
"""

from collections.abc import Iterable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.backbones.base import resolved_arch
from swin_dense.backbones.hierarchy import HierarchicalBackbone, Stage
from swin_dense.layers.drop_path import ResidualDropPath, rising_rates
from swin_dense.layers.linear import Linear, linear
from swin_dense.layers.mlp import MLP
from swin_dense.layers.norms import NORMS, ChannelsLast, GroupNorm1
from swin_dense.layers.patches import PatchEmbedding, initialize_transformer_weights
from swin_dense.layers.shift import MOVES, channel_shift, channel_shift_
from swin_dense.layers.tiles import mlp_of_normed_residual_, works_in_tiles
from swin_dense.layers.tracing import is_traced
from swin_dense.layers.watching import is_watched, record_forwards
from swin_dense.registry import MODELS

# Depths since 78d8fa7 of the official code; before, R2-T was (3, 3, 24, 4). 4 of n_div parts of the channels move.
ARCHITECTURES = {
    # the paper's models, expand ratio 2
    'tiny': {'embed_dims': 96, 'depths': (6, 8, 18, 6), 'mlp_ratio': 2, 'n_div': 12},
    'small': {'embed_dims': 96, 'depths': (10, 18, 36, 10), 'mlp_ratio': 2, 'n_div': 12},
    'base': {'embed_dims': 128, 'depths': (10, 18, 36, 10), 'mlp_ratio': 2, 'n_div': 16},
    # expand ratio 4 at the same cost
    'r4_tiny': {'embed_dims': 96, 'depths': (2, 2, 12, 3), 'mlp_ratio': 4, 'n_div': 12},
    'r4_small': {'embed_dims': 96, 'depths': (2, 6, 24, 4), 'mlp_ratio': 4, 'n_div': 12},
    'r4_base': {'embed_dims': 128, 'depths': (4, 6, 22, 4), 'mlp_ratio': 4, 'n_div': 16},
    # Swin with attention taken out
    'light_tiny': {'embed_dims': 96, 'depths': (2, 2, 6, 2), 'mlp_ratio': 4, 'n_div': 12},
    'light_small': {'embed_dims': 96, 'depths': (2, 2, 18, 2), 'mlp_ratio': 4, 'n_div': 12},
    'light_base': {'embed_dims': 128, 'depths': (2, 2, 18, 2), 'mlp_ratio': 4, 'n_div': 16},
}
PATCH_SIZE = 4


@MODELS.register_module()
class ShiftViT(HierarchicalBackbone):
    """ShiftViT: levels of stride 4, 8, 16, 32 with C, 2C, 4C, 8C channels.

    Args:
        arch: 'tiny', 'small', 'base' (expand ratio 2), 'r4_tiny', ... (4), 'light_tiny', ... (Swin's depths), or a dict
            with `embed_dims` (C), `depths` (one a stage), `mlp_ratio` (expand ratio) and optionally `n_div` (12).
        n_div: channels // n_div move in each direction, so about 4 / n_div of all do: 20, 25, 33, 50 % for
            20, 16, 12, 8. None takes that of `arch`.
        shift_pixels: how far they move; 0: no mixing at all, for comparison.
        norm: 'group' (GroupNorm with one group) or 'batch'.
        activation: of the MLPs, 'gelu' or 'relu'.
        drop_path_rate: stochastic depth, rising linearly from 0 at the first block to this at the last.
        out_indices: levels to return. Stages after the last one are not built.
        num_frozen_stages: 0: none; n: the patch embedding and the first n stages, with their output norms.
        activation_checkpointing: work blocks out again in the backward pass rather than keep their activations.
        in_channels: of the images.
        init_cfg: dict(type='Pretrained', checkpoint=...) or None.
    """

    def __init__(
        self,
        *,
        arch: str | dict[str, Any] = 'tiny',
        n_div: int | None = None,
        shift_pixels: int = 1,
        norm: str = 'group',
        activation: str = 'gelu',
        drop_path_rate: float = 0.2,
        out_indices: Iterable[int] = (0, 1, 2, 3),
        num_frozen_stages: int = 0,
        activation_checkpointing: bool = False,
        in_channels: int = 3,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        fields = resolved_arch(arch, ARCHITECTURES, optional=('n_div',))
        if not isinstance(norm, str) or norm not in NORMS:
            raise ValueError(f'norm is one of {", ".join(NORMS)}; got {norm!r}.')
        if norm == 'batch' and activation_checkpointing:
            raise ValueError(
                "activation_checkpointing works blocks out twice, and norm='batch' would count each batch twice in its "
                "running statistics. Use norm='group', or activation_checkpointing=False."
            )
        if not isinstance(shift_pixels, int) or shift_pixels < 0:
            raise ValueError(f'shift_pixels is a number of pixels, at least 0; got {shift_pixels}.')
        depths, make_norm = tuple(fields['depths']), NORMS[norm]
        channels = [fields['embed_dims'] * 2**stage for stage in range(len(depths))]
        parts = _checked_n_div(fields.get('n_div', 12) if n_div is None else n_div, channels[0])
        rates = rising_rates(drop_path_rate, sum(depths))

        def make_stage(stage: int, followed: bool) -> nn.Module:
            blocks = [
                ShiftBlock(
                    channels=channels[stage],
                    hidden_channels=int(channels[stage] * fields['mlp_ratio']),
                    group_channels=channels[stage] // parts,
                    shift_pixels=shift_pixels,
                    norm=make_norm(channels[stage]),
                    activation=activation,
                    drop_path_rate=rates[sum(depths[:stage]) + block],
                )
                for block in range(depths[stage])
            ]
            downsample = PatchReduction(channels=channels[stage], norm=make_norm(channels[stage])) if followed else None
            return ShiftStage(blocks=blocks, downsample=downsample, activation_checkpointing=activation_checkpointing)

        self.assemble(
            depths=depths,
            channels=channels,
            out_indices=out_indices,
            num_frozen_stages=num_frozen_stages,
            patch_embed=PatchEmbedding(
                in_channels=in_channels,
                channels=channels[0],
                patch_size=(PATCH_SIZE, PATCH_SIZE),
                norm=make_norm(channels[0]),
            ),
            patch_size=PATCH_SIZE,
            make_stage=make_stage,
            make_norm=make_norm,
        )
        self.apply(_initialize_weights)

    def run_stage(self, stage: int, x_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        layer = self.layers[stage]
        if is_traced(x_BHWC) or type(layer) is not ShiftStage:
            return layer(x_BHWC)
        if stage == 0:
            alone = is_ours(self.patch_embed)
        else:
            before = self.layers[stage - 1]
            alone = type(before) is ShiftStage and not is_watched(before) and is_ours(before.downsample)
        return layer(x_BHWC, overwrite=alone and not is_watched(layer))


def _initialize_weights(module: nn.Module) -> None:
    """Officially convolutions start as linear layers do."""
    initialize_transformer_weights(module)
    if isinstance(module, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _checked_n_div(n_div: int, channels: int) -> int:
    if not isinstance(n_div, int) or not len(MOVES) <= n_div <= channels:
        raise ValueError(
            f'ShiftViT moves channels // n_div channels in each of {len(MOVES)} directions; with {channels} channels '
            f'n_div is a whole number from {len(MOVES)} to {channels}; got {n_div!r}.'
        )
    return n_div


class ShiftStage(Stage):
    """Shifts in place in maps that the backbone made and nobody else has seen.

    Without that each block costs a copy of the map. A map stays as it was if code from outside may have it: the stage
    or the block was called by others, modules were wrapped or replaced, hooks see it.
    """

    def forward(self, x_BHWC: Tensor, overwrite: bool = False) -> tuple[Tensor, Tensor]:
        """`overwrite`: the caller has no more use for the map, and nobody else has it."""
        if is_traced(x_BHWC):
            return super().forward(x_BHWC)
        for block in self.blocks:
            ours = is_ours(block)
            if overwrite and ours and isinstance(block, ShiftBlock) and x_BHWC.is_contiguous():
                # the shift is not worked out again with the rest: it would be of a map that has been shifted
                x_BHWC = self.run(block.mix, *block.shift_(x_BHWC))
            else:
                x_BHWC = self.run(block, x_BHWC)
            overwrite = ours  # a block's output is new
        return self.level_and_next(x_BHWC)


class ShiftBlock(nn.Module):
    """x = shift(x), then x + mlp(norm2(x)), on (B, H, W, C): the shortcut starts after the shift, and norm1 is none."""

    def __init__(
        self,
        *,
        channels: int,
        hidden_channels: int,
        group_channels: int,
        shift_pixels: int,
        norm: nn.Module,
        activation: str,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        self.group_channels = group_channels
        self.shift_pixels = shift_pixels
        self.norm2 = norm
        self.mlp = MLP(channels=channels, hidden_channels=hidden_channels, activation=activation)
        self.drop_path = ResidualDropPath(drop_path_rate)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        x_BHWC = channel_shift(x_BHWC, self.group_channels, self.shift_pixels)
        return self.mix(x_BHWC, x_BHWC)

    def shift_(self, x_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        """What `mix` takes, in the memory of a map that nobody else has."""
        return channel_shift_(x_BHWC, self.group_channels, self.shift_pixels)

    def mix(self, shortcut_BHWC: Tensor, x_BHWC: Tensor) -> Tensor:
        """shortcut + mlp(norm2(x)), new or in the memory of both, which have the same values."""
        drops = self.training and self.drop_path.rate > 0
        if works_in_tiles(x_BHWC) and not drops and all(is_ours(part) for part in self.children()):
            return mlp_of_normed_residual_(x_BHWC, self.norm2(x_BHWC), self.mlp)
        return self.drop_path(shortcut_BHWC, self.mlp(self.norm2(x_BHWC)))

    def extra_repr(self) -> str:
        return f'group_channels={self.group_channels}, shift_pixels={self.shift_pixels}'


class PatchReduction(nn.Module):
    """Norm, then a 2x2 convolution of stride 2 without bias: (B, H, W, C) -> (B, H/2, W/2, 2 C), sizes rounded up.

    Odd maps are padded with zeros at the bottom and right, after the norm.
    """

    def __init__(self, *, channels: int, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.reduction = nn.Conv2d(channels, 2 * channels, kernel_size=2, stride=2, bias=False)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        height, width = x_BHWC.shape[1:3]
        rows, columns = (height + 1) // 2, (width + 1) // 2
        x = F.pad(self.norm(x_BHWC), (0, 0, 0, columns * 2 - width, 0, rows * 2 - height))
        x = x.unflatten(2, (columns, 2)).unflatten(1, (rows, 2))  # B H 2 W 2 C
        x = x.permute(0, 1, 3, 2, 4, 5).flatten(3)  # B H W (row, column, C)
        return linear(x, self.reduction.weight.permute(0, 2, 3, 1).flatten(1), None)


# Whose outputs are new maps, and which keep for their backward pass nothing that they return.
PARTS = frozenset(
    {
        *(ShiftBlock, ResidualDropPath, MLP, Linear, PatchEmbedding, PatchReduction, nn.Conv2d),
        *(GroupNorm1, ChannelsLast, nn.BatchNorm2d, nn.SyncBatchNorm),
    }
)
record_forwards({*PARTS, ShiftStage})


def is_ours(module: nn.Module | None) -> bool:
    """Whether `module` consists of this model's parts alone, and nothing watches them."""
    return module is not None and all(type(part) in PARTS and not is_watched(part) for part in module.modules())
