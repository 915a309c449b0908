"""Patch embedding and patch merging, channels-last. Legend: B batch, H W map, C channels, P patch size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.layers.linear import Linear, linear


class PatchEmbedding(nn.Module):
    """Cuts an image into P x P patches and maps each linearly, and norms: (B, C_in, H, W) -> (B, H/P, W/P, C).

    Sizes that P does not divide are padded with zeros at the bottom and right, so output sizes are ceilings. The weight
    has a convolution's shape, as official checkpoints have it; patches do not overlap, so it is one matrix product.

    Args:
        in_channels: of the image.
        channels: of the embedding.
        patch_size: P, in pixels.
        norm: of (B, H, W, C) maps, or None for none.
    """

    def __init__(self, *, in_channels: int, channels: int, patch_size: int, norm: nn.Module | None) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.proj = nn.Conv2d(in_channels, channels, kernel_size=patch_size, stride=patch_size)
        self.norm = nn.Identity() if norm is None else norm

    def forward(self, images: Tensor) -> Tensor:
        if images.ndim != 4 or images.shape[1] != self.proj.in_channels:
            raise ValueError(
                f'Images are (B, {self.proj.in_channels}, H, W) for this backbone; got {tuple(images.shape)}. '
                'The number of channels is its in_channels.'
            )
        height, width = images.shape[-2:]
        size = self.patch_size
        # padded sizes are products, and nothing is left to infer: compilers simplify these for sizes that vary
        rows, columns = (height + size - 1) // size, (width + size - 1) // size
        images = F.pad(images, (0, columns * size - width, 0, rows * size - height))
        x = images.unflatten(3, (columns, size)).unflatten(2, (rows, size))  # B C_in H P W P
        x = x.permute(0, 2, 4, 1, 3, 5).flatten(3)  # B H W (C_in P P), the order of the flattened weight
        return self.norm(linear(x, self.proj.weight.flatten(1), self.proj.bias))


class PatchMerging(nn.Module):
    """2 x 2 neighbours side by side, LayerNorm, linear: (B, H, W, C) -> (B, H/2, W/2, 2 C), sizes rounded up.

    Neighbours are in the official order (0, 0), (1, 0), (0, 1), (1, 1) of (row, column).
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        height, width = x_BHWC.shape[1:3]
        rows, columns = (height + 1) // 2, (width + 1) // 2
        x = F.pad(x_BHWC, (0, 0, 0, columns * 2 - width, 0, rows * 2 - height))
        x = x.unflatten(2, (columns, 2)).unflatten(1, (rows, 2))  # B H 2 W 2 C
        x = x.permute(0, 1, 3, 4, 2, 5).flatten(3)  # B H W (column, row, C)
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
