"""Patch embedding and patch merging, channels-last.

Legend: B batch, S the axes of a map (H W of an image, T H W of a clip), C channels, P patch size.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.layers.linear import Linear, linear
from swin_dense.layers.windows import Extent


class PatchEmbedding(nn.Module):
    """Cuts images or clips into patches and maps each linearly, and norms: (B, C_in, S) -> (B, S / P, C).

    Sizes that P does not divide are padded with zeros at the end, so output sizes are ceilings. The weight has a
    convolution's shape, as official checkpoints have it; patches do not overlap, so it is one matrix product.

    Args:
        in_channels: of the images or clips.
        channels: of the embedding.
        patch_size: P, (height, width) in pixels for images, (frames, height, width) for clips.
        norm: of (B, S, C) maps, or None for none.
    """

    def __init__(self, *, in_channels: int, channels: int, patch_size: Extent, norm: nn.Module | None) -> None:
        super().__init__()
        self.patch_size = patch_size
        convolution: Callable[..., nn.Conv2d | nn.Conv3d] = nn.Conv2d if len(patch_size) == 2 else nn.Conv3d
        self.proj = convolution(in_channels, channels, kernel_size=patch_size, stride=patch_size)
        self.norm = nn.Identity() if norm is None else norm

    def forward(self, images: Tensor) -> Tensor:
        axes = len(self.patch_size)
        if images.ndim != axes + 2 or images.shape[1] != self.proj.in_channels:
            kind, sides = ('Images', 'H, W') if axes == 2 else ('Clips', 'T, H, W')
            raise ValueError(
                f'{kind} are (B, {self.proj.in_channels}, {sides}) for this backbone; got {tuple(images.shape)}. '
                'The number of channels is its in_channels.'
            )
        extent = images.shape[2:]
        # padded sizes are products, and nothing is left to infer: compilers simplify these for sizes that vary
        counts = [(side + size - 1) // size for side, size in zip(extent, self.patch_size, strict=True)]
        missing = [count * size - side for count, size, side in zip(counts, self.patch_size, extent, strict=True)]
        x = F.pad(images, [pad for after in reversed(missing) for pad in (0, after)])
        for axis in reversed(range(axes)):
            x = x.unflatten(2 + axis, (counts[axis], self.patch_size[axis]))
        # (B, C_in, H, P, W, P) -> (B, H, W, C_in P P), the order of the flattened weight
        x = x.permute(0, *range(2, 2 + 2 * axes, 2), 1, *range(3, 2 + 2 * axes, 2)).flatten(axes + 1)
        return self.norm(linear(x, self.proj.weight.flatten(1), self.proj.bias))


class PatchMerging(nn.Module):
    """2 x 2 neighbours side by side, LayerNorm, linear: (B, H, W, C) -> (B, H/2, W/2, 2 C), sizes rounded up.

    Neighbours are in the official order (0, 0), (1, 0), (0, 1), (1, 1) of (row, column). Clips, (B, T, H, W, C), are
    merged frame by frame.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x_BSC: Tensor) -> Tensor:
        height, width = x_BSC.shape[-3:-1]
        rows, columns = (height + 1) // 2, (width + 1) // 2
        x = F.pad(x_BSC, (0, 0, 0, columns * 2 - width, 0, rows * 2 - height))
        x = x.unflatten(-2, (columns, 2)).unflatten(-4, (rows, 2))  # ... H 2 W 2 C
        x = x.movedim(-4, -2).flatten(-3)  # ... H W (column, row, C)
        return self.reduction(self.norm(x))


def initialize_transformer_weights(module: nn.Module) -> None:
    """Official Swin and ViT: linear weights and bias tables from a normal of 0.02 cut at +-2, biases zero."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    table = getattr(module, 'relative_position_bias_table', None)
    if isinstance(table, torch.Tensor):
        nn.init.trunc_normal_(table, std=0.02)
