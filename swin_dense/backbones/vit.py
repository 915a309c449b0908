"""Vision Transformer (Dosovitskiy et al., 2020, arXiv 2010.11929) as a dense backbone, also with the windows of ViTDet.

Parameters are named as in timm, DeiT, MAE and ViTDet (Li et al., 2022, arXiv 2203.16527). All inside is (B, L, C), the
class token first if there is one; levels leave as (B, C, H, W) views. Legend: B batch, L tokens, C channels, H W map.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from swin_dense.backbones.base import Backbone, checked_out_indices, resolved_arch
from swin_dense.layers.drop_path import ResidualDropPath, rising_rates
from swin_dense.layers.mlp import MLP
from swin_dense.layers.patches import PatchEmbedding, initialize_transformer_weights
from swin_dense.layers.position import resized_position_embedding
from swin_dense.layers.self_attention import SelfAttention
from swin_dense.layers.tiles import mlp_residual_, works_in_tiles
from swin_dense.layers.tracing import is_traced
from swin_dense.layers.windows import Size, merge_windows, partition_windows, window_layout
from swin_dense.registry import MODELS

# tiny, small and base are also DeiT's
ARCHITECTURES = {
    'tiny': {'embed_dims': 192, 'depth': 12, 'num_heads': 3},
    'small': {'embed_dims': 384, 'depth': 12, 'num_heads': 6},
    'base': {'embed_dims': 768, 'depth': 12, 'num_heads': 12},
    'large': {'embed_dims': 1024, 'depth': 24, 'num_heads': 16},
    'huge': {'embed_dims': 1280, 'depth': 32, 'num_heads': 16},
}
NORM_EPS = 1e-6  # of all official code, not torch's 1e-5


@MODELS.register_module()
class VisionTransformer(Backbone):
    """Vision Transformer: levels are outputs of blocks, all of stride P and C channels.

    Args:
        arch: 'tiny', 'small', 'base', 'large', 'huge', or a dict with `embed_dims` (C), `depth` (blocks), `num_heads`,
            and optionally `mlp_ratio` (4).
        patch_size: P, in pixels.
        image_size: pixels, one number or (height, width), that the position embedding is for; for images of another
            size it is resized. Any image fits.
        window_size: patches along each side of the windows that all but the `global_blocks` attend within; None: every
            block is global.
        global_blocks: numbers of blocks; None with windows: the last of each quarter.
        relative_position: relative positions in the attention of every block, as in ViTDet.
        relative_position_size: pixels, one number or (height, width), that the relative positions of global blocks are
            for; None: `image_size`. Those of other blocks are for the window.
        class_token: whether there is one. Windows and relative positions have no place for it.
        final_norm: LayerNorm on the output of the last block, which has to be in `out_indices`.
        class_token_level: return the class token of the last block, too, as one more level, (B, C, 1, 1): what
            classifiers look at.
        drop_path_rate: stochastic depth, rising linearly from 0 at the first block to this at the last.
        out_indices: blocks whose outputs to return; None: the last of each quarter. Blocks after the last of them are
            not built.
        num_frozen_stages: 0: none; n: patch embedding, class token, position embedding and the first n blocks.
        activation_checkpointing: work blocks out again in the backward pass rather than keep their activations.
        in_channels: of the images.
        init_cfg: dict(type='Pretrained', checkpoint=...) or None.
    """

    def __init__(
        self,
        *,
        arch: str | dict[str, Any] = 'base',
        patch_size: int = 16,
        image_size: int | Size = 224,
        window_size: int | None = None,
        global_blocks: Iterable[int] | None = None,
        relative_position: bool = False,
        relative_position_size: int | Size | None = None,
        class_token: bool = True,
        final_norm: bool = False,
        class_token_level: bool = False,
        drop_path_rate: float = 0.0,
        out_indices: Iterable[int] | None = None,
        num_frozen_stages: int = 0,
        activation_checkpointing: bool = False,
        in_channels: int = 3,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        fields = resolved_arch(arch, ARCHITECTURES, optional=('mlp_ratio',))
        channels, depth = fields['embed_dims'], fields['depth']
        self.out_indices = checked_out_indices(_quarters(depth) if out_indices is None else out_indices, depth)
        if not 0 <= num_frozen_stages <= depth:
            raise ValueError(f'num_frozen_stages is from 0 to {depth}; got {num_frozen_stages}.')
        if class_token and (window_size is not None or relative_position):
            raise ValueError('Windows and relative positions are of maps alone: use class_token=False with them.')
        if class_token_level and not class_token:
            raise ValueError('class_token_level=True returns the class token: it needs class_token=True.')
        if final_norm and self.out_indices[-1] != depth - 1:
            raise ValueError(
                f'final_norm is on the output of the last block, {depth - 1}, and out_indices are {self.out_indices}: '
                f'add {depth - 1}, or use final_norm=False.'
            )
        if relative_position_size is not None and not relative_position:
            raise ValueError('relative_position_size says nothing without relative_position=True.')
        relative_size = image_size if relative_position_size is None else relative_position_size
        relative_grid = _grid(relative_size, patch_size) if relative_position else None
        windows = _windows(window_size, global_blocks, depth)
        rates = rising_rates(drop_path_rate, depth)

        self.arch_depths = (depth,)
        num_levels = len(self.out_indices) + class_token_level
        self.out_channels = (channels,) * num_levels
        self.out_strides = (patch_size,) * num_levels
        self.class_token_level = class_token_level
        self.activation_checkpointing = activation_checkpointing
        self.grid = _grid(image_size, patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, channels)) if class_token else None
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1] + class_token, channels))
        self.patch_embed = PatchEmbedding(
            in_channels=in_channels, channels=channels, patch_size=(patch_size, patch_size), norm=None
        )
        self.blocks = nn.ModuleList(
            TransformerBlock(
                channels=channels,
                num_heads=fields['num_heads'],
                hidden_channels=int(channels * fields.get('mlp_ratio', 4)),
                drop_path_rate=rates[number],
                window_size=windows[number],
                relative_grid=relative_grid and (windows[number] or relative_grid),
            )
            for number in range(self.out_indices[-1] + 1)
        )
        self.norm = nn.LayerNorm(channels, eps=NORM_EPS) if final_norm else None
        self._initialize()
        self._freeze_stages(num_frozen_stages)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, in_channels, H, W) -> (B, C, ceil(H / P), ceil(W / P)) for each of `out_indices`; then (B, C, 1, 1)
        of the class token, if that is asked for.
        """
        x_BHWC = self.patch_embed(images)
        size = (x_BHWC.shape[1], x_BHWC.shape[2])
        x_BLC = self._with_positions(x_BHWC)
        levels = []
        for number, block in enumerate(self.blocks):
            if self.activation_checkpointing and torch.is_grad_enabled():
                x_BLC = checkpoint(block, x_BLC, size, use_reentrant=False)
            else:
                x_BLC = block(x_BLC, size)
            if number in self.out_indices:
                is_last = number == self.out_indices[-1]
                level_BLC = self.norm(x_BLC) if is_last and self.norm is not None else x_BLC
                map_BLC = level_BLC if self.cls_token is None else level_BLC[:, 1:]
                levels.append(map_BLC.unflatten(1, size).permute(0, 3, 1, 2))
                if is_last and self.class_token_level:
                    levels.append(level_BLC[:, 0, :, None, None])
        return tuple(levels)

    def param_depth(self, name: str) -> int:
        """0: patch embedding, class token, position embedding; 1, 2, ...: blocks; last + 1: the final norm."""
        if name.startswith('blocks.'):
            return int(name.split('.')[1]) + 1
        return len(self.blocks) + 1 if name.startswith('norm.') else 0

    def _with_positions(self, x_BHWC: Tensor) -> Tensor:
        """Patches and the class token with their position embeddings, (B, L, C).

        Under autocast the sum is in the embedding's float32, and so is all that blocks add to, as officially.
        """
        x_BLC = x_BHWC.flatten(1, 2)
        if self.cls_token is not None:
            x_BLC = torch.cat([self.cls_token.expand(x_BLC.shape[0], -1, -1), x_BLC], dim=1)
        _, height, width, _ = x_BHWC.shape
        return x_BLC + resized_position_embedding(self.pos_embed, self.grid, (height, width))

    def _initialize(self) -> None:
        self.apply(initialize_transformer_weights)
        for token in (self.cls_token, self.pos_embed):
            if token is not None:
                nn.init.trunc_normal_(token, std=0.02)

    def _freeze_stages(self, num_frozen_stages: int) -> None:
        if num_frozen_stages:
            self.freeze([self.patch_embed, *self.blocks[:num_frozen_stages]])
            for token in (self.cls_token, self.pos_embed):
                if token is not None:
                    token.requires_grad_(False)


class TransformerBlock(nn.Module):
    """x + attention(norm1(x)), then x + mlp(norm2(x)), on (B, L, C); within windows where it has a size for them.

    Windows lie on the map from the top left; it is padded with zeros after norm1, and padding takes part, as in ViTDet.
    """

    def __init__(
        self,
        *,
        channels: int,
        num_heads: int,
        hidden_channels: int,
        drop_path_rate: float,
        window_size: Size | None,
        relative_grid: Size | None,
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.norm1 = nn.LayerNorm(channels, eps=NORM_EPS)
        self.attn = SelfAttention(channels=channels, num_heads=num_heads, relative_grid=relative_grid)
        self.norm2 = nn.LayerNorm(channels, eps=NORM_EPS)
        self.mlp = MLP(channels=channels, hidden_channels=hidden_channels)
        self.drop_path = ResidualDropPath(drop_path_rate)

    def forward(self, x_BLC: Tensor, size: Size) -> Tensor:
        """`size` is (height, width) of the map in patches."""
        x_BLC = self.drop_path(x_BLC, self.attn.proj(self._attend(self.norm1(x_BLC), size)))
        drops = self.training and self.drop_path.rate > 0
        if works_in_tiles(x_BLC) and not drops:
            return mlp_residual_(x_BLC, self.norm2, self.mlp)  # into the sum above, which is nobody else's
        return self.drop_path(x_BLC, self.mlp(self.norm2(x_BLC)))

    def _attend(self, x_BLC: Tensor, size: Size) -> Tensor:
        if self.window_size is None:
            return self.attn.attend(x_BLC, size)
        x_BHWC = x_BLC.unflatten(1, size)
        if is_traced(x_BHWC):
            windows_NLC = partition_windows(x_BHWC, self.window_size, (0, 0))
            attended_NLC = self.attn.attend(windows_NLC, self.window_size)
            return merge_windows(attended_NLC, x_BHWC.shape[:3], self.window_size, (0, 0)).flatten(1, 2)
        layout = window_layout(len(x_BHWC), size, self.window_size, (0, 0), x_BHWC.device)
        windows_NLC = layout.partition(x_BHWC).unflatten(0, (-1, self.window_size[0] * self.window_size[1]))
        attended_NLC = self.attn.attend(windows_NLC, self.window_size)
        return layout.merge(attended_NLC.flatten(0, 1), x_BHWC.shape[:3]).flatten(1, 2)


def _quarters(depth: int) -> tuple[int, ...]:
    """The last block of each quarter: 2, 5, 8, 11 of 12. Fewer than four blocks are all of them."""
    return tuple(sorted({(depth * quarter + 3) // 4 - 1 for quarter in (1, 2, 3, 4)}))


def _grid(image_size: int | Size, patch_size: int) -> Size:
    """(height, width) in patches."""
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    if min(height, width, patch_size) < 1:
        raise ValueError(f'Sizes of images and patches are at least 1 pixel; got {(height, width)} and {patch_size}.')
    return -(-height // patch_size), -(-width // patch_size)


def _windows(window_size: int | None, global_blocks: Iterable[int] | None, depth: int) -> list[Size | None]:
    """The window of each block; None where it attends to the whole map."""
    if window_size is None:
        if global_blocks is not None:
            raise ValueError('global_blocks are those without windows: give a window_size, too.')
        return [None] * depth
    if window_size < 1:
        raise ValueError(f'window_size is a number of patches, at least 1, or None; got {window_size}.')
    numbers = set(_quarters(depth) if global_blocks is None else global_blocks)
    if not numbers <= set(range(depth)):
        raise ValueError(f'global_blocks are numbers of blocks, from 0 to {depth - 1}; got {tuple(sorted(numbers))}.')
    return [None if number in numbers else (window_size, window_size) for number in range(depth)]
