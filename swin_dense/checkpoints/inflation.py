"""Weights of Swin for videos: from images to clips, and from one window to another.

As the official code inflates (SwinTransformer/Video-Swin-Transformer@db018fb, mmaction/models/backbones,
inflate_weights): each temporal offset gets the bias of its offset in the image, and all frames of a patch an equal part
of the kernel.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import TypeVar

import torch.nn.functional as F
from torch import Tensor

from swin_dense.checkpoints.resizing import resized_bias_table
from swin_dense.layers.windows import Extent

PATCHES = 'patch_embed.proj.weight'
_TABLE = 'relative_position_bias_table'
_Value = TypeVar('_Value')


@dataclass(frozen=True)
class Clips:
    """What a video backbone is built with.

    Attributes:
        window_size: (time, height, width) in tokens.
        inflation: 'average' or 'centre', see `VideoSwinTransformer`.
        of_file: whether the file is of a video model, too.
        file_window: its window, if tables tell.
    """

    window_size: Extent
    inflation: str
    of_file: bool = False
    file_window: Extent | None = None


def inflated_kernel(kernel: Tensor, frames: int, inflation: str) -> Tensor:
    """(C, C_in, P, P) -> (C, C_in, frames, P, P): an equal part for each frame, or all for the middle one."""
    if inflation == 'average':
        return kernel.unsqueeze(2).repeat(1, 1, frames, 1, 1) / frames
    inflated = kernel.new_zeros((*kernel.shape[:2], frames, *kernel.shape[2:]))
    inflated[:, :, frames // 2] = kernel
    return inflated


def inflated_bias_table(table: Tensor, clips: Clips) -> tuple[Tensor, str] | None:
    """((2M-1)^2, heads) -> those of all temporal offsets, time first, and how; None if no window fits."""
    frames, *sides = clips.window_size
    if sides[0] != sides[1]:
        return None
    rows, notes = (2 * sides[0] - 1) ** 2, [f'repeated for {2 * frames - 1} offsets in time']
    if len(table) != rows:
        resized = resized_bias_table(table, rows)
        if resized is None:
            return None
        table, notes = resized, ['bicubic', *notes]
    return table.repeat(2 * frames - 1, 1), ', '.join(notes)


def resized_video_table(table: Tensor, clips: Clips) -> tuple[Tensor, str] | None:
    """The table of a video model for another window: bicubic in space, as for images, and linear in time; None if the
    file does not tell its window.
    """
    window = clips.file_window
    if window is None or len(table) != _rows(window):
        return None
    old, new = ([2 * side - 1 for side in sides] for sides in (window, clips.window_size))
    maps = table.float().T.unflatten(1, old)  # (heads, time, height, width)
    if old[1:] != new[1:]:
        maps = F.interpolate(maps.flatten(0, 1)[:, None], size=new[1:], mode='bicubic', align_corners=False)[:, 0]
        maps = maps.unflatten(0, (-1, old[0]))
    if old[0] != new[0]:
        rows = maps.permute(0, 2, 3, 1).flatten(0, 2)[None]
        maps = F.interpolate(rows, size=new[0], mode='linear')[0].unflatten(0, (-1, *new[1:])).permute(0, 3, 1, 2)
    return maps.flatten(1).T.contiguous(), 'bicubic in space, linear in time'


def _rows(window: Extent) -> int:
    return prod(2 * side - 1 for side in window)


def with_final_norm(state: Mapping[str, _Value], own: Collection[str]) -> dict[str, _Value]:
    """`state` with the norm before a classifier's head under the name of the last level's, `norm3`, as video backbones
    have it; as it is where `own`, the backbone's names, or the state itself say otherwise.
    """
    stages = [int(found[1]) for name in state if (found := re.match(r'layers\.(\d+)\.blocks\.', name))]
    last = f'norm{max(stages, default=0)}.'
    if f'{last}weight' not in own or f'{last}weight' in state:
        return dict(state)
    return {name.replace('norm.', last) if name.startswith('norm.') else name: value for name, value in state.items()}
