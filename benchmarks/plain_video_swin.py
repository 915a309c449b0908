"""Video Swin-T as torchvision's swin3d_t and the official code formulate it: roll, permute, logits, mask, softmax.

A peer for timings and, with our weights, for values; nothing in the package uses it. The mask is made in each block, as
in torchvision.
"""

from itertools import product
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.backbones import VideoSwinTransformer
from swin_dense.layers.attention import relative_position_index
from swin_dense.layers.swin_block import SwinBlock

_AXES = (1, 2, 3)  # time, height, width of (B, T, H, W, C)


class PlainVideoSwin(nn.Module):
    """Gives the levels of ours, by its parameters (`net.`) and none of its forward passes but the merging's."""

    def __init__(self, *, drop_path_rate: float) -> None:
        super().__init__()
        self.net = VideoSwinTransformer(arch='tiny', drop_path_rate=drop_path_rate)

    def forward(self, clips: Tensor) -> tuple[Tensor, ...]:
        net = self.net
        x = net.patch_embed.norm(net.patch_embed.proj(clips).movedim(1, -1))
        levels = []
        for stage, layer in enumerate(net.layers):
            for block in layer.blocks:
                x = block.drop_path(x, _attended(block, block.norm1(x)))
                x = block.drop_path(x, block.mlp.fc2(F.gelu(block.mlp.fc1(block.norm2(x)))))
            levels.append(getattr(net, f'norm{stage}')(x).movedim(-1, 1))
            if stage < len(net.layers) - 1:
                x = layer.downsample(x)
        return tuple(levels)


def _attended(block: SwinBlock, x: Tensor) -> Tensor:
    extent = x.shape[1:-1]
    window = [min(side, most) for side, most in zip(extent, block.window_size, strict=True)]
    shift = [
        step if side > most else 0 for step, side, most in zip(block.shift, extent, block.window_size, strict=True)
    ]
    missing = [-side % part for side, part in zip(extent, window, strict=True)]
    x = F.pad(x, (0, 0, 0, missing[2], 0, missing[1], 0, missing[0]))
    padded, mask = x.shape, None
    if any(shift):
        x = torch.roll(x, [-step for step in shift], _AXES)
        mask = _mask(padded[1:-1], window, shift, x)
    windows = _partitioned(x, window)
    attn, tokens = block.attn, prod(window)
    q, k, v = attn.qkv(windows).unflatten(-1, (3, attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    index = relative_position_index(attn.window_size, x.device)[:tokens, :tokens]
    logits = logits + attn.relative_position_bias_table[index.flatten()].unflatten(0, (tokens, tokens)).permute(2, 0, 1)
    if mask is not None:
        logits = (logits.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
    windows = attn.proj((logits.softmax(-1) @ v).transpose(1, 2).flatten(2))
    x = _merged(windows, padded, window)
    x = torch.roll(x, shift, _AXES) if any(shift) else x
    return x[:, : extent[0], : extent[1], : extent[2]].contiguous()


def _mask(extent: torch.Size, window: list[int], shift: list[int], x: Tensor) -> Tensor:
    regions = x.new_zeros((1, *extent, 1))
    cuts = [
        (slice(-side), slice(-side, -step), slice(-step, None)) if step else (slice(None),)
        for side, step in zip(window, shift, strict=True)
    ]
    for number, (t, h, w) in enumerate(product(*cuts)):
        regions[:, t, h, w] = number
    numbers = _partitioned(regions, window)[..., 0]
    return torch.where(numbers[:, None] == numbers[:, :, None], 0.0, -100.0).to(x.dtype)


def _partitioned(x: Tensor, window: list[int]) -> Tensor:
    """(B, T, H, W, C) -> (windows, tokens, C)."""
    for axis, side in zip((1, 3, 5), window, strict=True):
        x = x.unflatten(axis, (-1, side))
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(0, 3)


def _merged(windows: Tensor, shape: torch.Size, window: list[int]) -> Tensor:
    counts = [side // part for side, part in zip(shape[1:-1], window, strict=True)]
    x = windows.view(shape[0], *counts, *window, shape[-1]).permute(0, 1, 4, 2, 5, 3, 6, 7)
    return x.reshape(shape)
