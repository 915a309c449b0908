"""ShiftViT-T as one writes it down from the paper: channels-first, 1x1 convolutions, a shift by five copies.

A peer for timings and, with our weights, for values; nothing in the package uses it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.backbones.shift_vit import ARCHITECTURES
from swin_dense.layers.drop_path import ResidualDropPath, rising_rates


def plain_shift(x: Tensor, n_div: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H, W): channels // n_div channels a pixel left, right, up and down."""
    g = x.shape[1] // n_div
    shifted = torch.zeros_like(x)
    shifted[:, 0 * g : 1 * g, :, :-1] = x[:, 0 * g : 1 * g, :, 1:]
    shifted[:, 1 * g : 2 * g, :, 1:] = x[:, 1 * g : 2 * g, :, :-1]
    shifted[:, 2 * g : 3 * g, :-1, :] = x[:, 2 * g : 3 * g, 1:, :]
    shifted[:, 3 * g : 4 * g, 1:, :] = x[:, 3 * g : 4 * g, :-1, :]
    shifted[:, 4 * g :] = x[:, 4 * g :]
    return shifted


class PlainShiftViT(nn.Module):
    """Levels of stride 4, 8, 16, 32; parameters are named as in our ShiftViT. Sizes are multiples of 32."""

    def __init__(self, *, drop_path_rate: float) -> None:
        super().__init__()
        arch = ARCHITECTURES['tiny']
        channels = [arch['embed_dims'] * 2**stage for stage in range(4)]
        rates = iter(rising_rates(drop_path_rate, sum(arch['depths'])))
        self.patch_embed = _named(proj=nn.Conv2d(3, channels[0], 4, 4), norm=nn.GroupNorm(1, channels[0]))
        self.layers = nn.ModuleList()
        for stage, depth in enumerate(arch['depths']):
            blocks = [_PlainBlock(channels[stage], arch['mlp_ratio'], arch['n_div'], next(rates)) for _ in range(depth)]
            layer = nn.Module()
            layer.blocks = nn.Sequential(*blocks)
            if stage < 3:
                reduction = nn.Conv2d(channels[stage], channels[stage + 1], 2, 2, bias=False)
                layer.downsample = _named(norm=nn.GroupNorm(1, channels[stage]), reduction=reduction)
            self.layers.append(layer)
            self.add_module(f'norm{stage}', nn.GroupNorm(1, channels[stage]))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.patch_embed(x)
        levels = []
        for stage, layer in enumerate(self.layers):
            x = layer.blocks(x)
            levels.append(self.get_submodule(f'norm{stage}')(x))
            x = layer.downsample(x) if stage < 3 else x
        return tuple(levels)


class _PlainBlock(nn.Module):
    def __init__(self, channels: int, mlp_ratio: int, n_div: int, rate: float) -> None:
        super().__init__()
        self.n_div = n_div
        self.norm2 = nn.GroupNorm(1, channels)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Conv2d(channels, channels * mlp_ratio, 1)
        self.mlp.fc2 = nn.Conv2d(channels * mlp_ratio, channels, 1)
        self.drop_path = ResidualDropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        x = plain_shift(x, self.n_div)
        return self.drop_path(x, self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x)))))


def _named(**modules: nn.Module) -> nn.Sequential:
    named = nn.Sequential()
    for name, module in modules.items():
        named.add_module(name, module)
    return named
