"""What backbones with a pyramid of stages share: Swin, Video Swin, ShiftViT.

All inside is channels-last, (B, H, W, C), and (B, T, H, W, C) for clips; levels leave as (B, C, H, W) views of that
memory, or (B, C, T, H, W). Names are those of the
official code: patch_embed, layers.S.blocks.B, layers.S.downsample, and norm0, norm1, ... for the levels.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from swin_dense.backbones.base import Backbone, checked_out_indices


class HierarchicalBackbone(Backbone):
    """Patch embedding, then stages, each at half the resolution of the one before; every level has a norm of its own.

    A subclass calls `assemble` at the end of its `__init__`.
    """

    def assemble(
        self,
        *,
        depths: Sequence[int],
        channels: Sequence[int],
        out_indices: Iterable[int],
        num_frozen_stages: int,
        patch_embed: nn.Module,
        patch_size: int,
        make_stage: Callable[[int, bool], nn.Module],
        make_norm: Callable[[int], nn.Module],
    ) -> None:
        """Builds what `out_indices` need and freezes what comes first.

        Args:
            depths: blocks of each stage.
            channels: of each stage.
            out_indices, num_frozen_stages: as the backbone's user gave them.
            patch_embed: (B, C_in, H, W) -> (B, H / P, W / P, C).
            patch_size: P, height and width in pixels.
            make_stage: stage number, whether a stage follows -> module that returns its level and the next one's input.
            make_norm: channels -> norm of a level.
        """
        self.out_indices = checked_out_indices(out_indices, len(depths))
        if not 0 <= num_frozen_stages <= len(depths):
            raise ValueError(f'num_frozen_stages is from 0 to {len(depths)}; got {num_frozen_stages}.')
        self.out_channels = tuple(channels[i] for i in self.out_indices)
        self.out_strides = tuple(patch_size * 2**i for i in self.out_indices)
        last = self.out_indices[-1]
        self.arch_depths = tuple(depths)
        self._depths = self.arch_depths[: last + 1]
        self.patch_embed = patch_embed
        self.layers = nn.ModuleList()
        for stage in range(last + 1):
            self.layers.append(make_stage(stage, stage < last))
            if stage in self.out_indices:
                self.add_module(f'norm{stage}', make_norm(channels[stage]))
        if num_frozen_stages:
            norms = [self.get_submodule(f'norm{i}') for i in self.out_indices if i < num_frozen_stages]
            self.freeze([self.patch_embed, *self.layers[:num_frozen_stages], *norms])

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, in_channels, H, W) -> (B, C 2^i, ceil(H / stride_i), ceil(W / stride_i)) for i in `out_indices`."""
        x_BHWC = self.patch_embed(images)
        levels = []
        for stage in range(len(self.layers)):
            level_BHWC, x_BHWC = self.run_stage(stage, x_BHWC)
            if stage in self.out_indices:
                levels.append(self.get_submodule(f'norm{stage}')(level_BHWC).movedim(-1, 1))
        return tuple(levels)

    def run_stage(self, stage: int, x_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        """The level of a stage and the next one's input. The backbone has no more use for `x_BHWC`."""
        return self.layers[stage](x_BHWC)

    def param_depth(self, name: str) -> int:
        """0: patch embedding; 1, 2, ...: blocks, a merging layer with the block before it; last + 1: output norms."""
        if name.startswith('patch_embed.'):
            return 0
        if not name.startswith('layers.'):
            return sum(self._depths) + 1
        stage, kind, block = name.split('.')[1:4]
        blocks_before = sum(self._depths[: int(stage)])
        return blocks_before + (int(block) + 1 if kind == 'blocks' else self._depths[int(stage)])


class Stage(nn.Module):
    """Blocks on one resolution, and the merging layer to the next stage if there is one.

    Returns its level and the next stage's input, (B, H, W, C) and (B, H/2, W/2, 2 C); both are the level for the last.

    Args:
        blocks: each (B, H, W, C) -> (B, H, W, C).
        downsample: (B, H, W, C) -> (B, H/2, W/2, 2 C), or None for the last stage.
        activation_checkpointing: work blocks out again in the backward pass rather than keep their activations.
    """

    def __init__(
        self, *, blocks: Iterable[nn.Module], downsample: nn.Module | None, activation_checkpointing: bool
    ) -> None:
        super().__init__()
        self.activation_checkpointing = activation_checkpointing
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        for block in self.blocks:
            x_BHWC = self.run(block, x_BHWC)
        return self.level_and_next(x_BHWC)

    def run(self, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """A block or a part of one, which is worked out again in the backward pass if the stage saves activations."""
        if self.activation_checkpointing and torch.is_grad_enabled():
            return checkpoint(function, *inputs, use_reentrant=False)
        return function(*inputs)

    def level_and_next(self, x_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        return x_BHWC, x_BHWC if self.downsample is None else self.downsample(x_BHWC)


def stage_fields(fields: dict[str, Any], *names: str) -> tuple[tuple[int, ...], ...]:
    """The fields of an arch that have one entry a stage, as tuples of equal length."""
    values = tuple(tuple(fields[name]) for name in names)
    if len({len(value) for value in values}) != 1:
        listed = ' and '.join(str(value) for value in values)
        raise ValueError(f'{" and ".join(names)} have one entry a stage; got {listed}.')
    return values
