"""Multiply-adds of the backbones in closed form: functions of an architecture and an image size; nothing is run.

A multiply-add is one product of two numbers that is added to a sum: in convolutions, linear layers and the two products
of attention. The formulas are the papers' (Swin, section 3.2: 4 h w C^2 + 2 M^2 h w C for attention within windows),
and what padding costs: queries, keys and values are also made of the tokens that fill up the last windows. A shift
costs nothing. `counting` gets the same numbers by running the model.
"""

import inspect
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from swin_dense.backbones import shift_vit, swin, video_swin, vit, windowed
from swin_dense.backbones.base import resolved_arch
from swin_dense.layers.windows import Extent, padded_extent

Settings = Mapping[str, Any]


def closed_form_macs(backbone: Settings, image_size: Extent) -> int | None:
    """Multiply-adds of a backbone for one image, or None where there is no formula for its type.

    Args:
        backbone: its config, `type` and arguments; arguments left out have the defaults of the class.
        image_size: (height, width) in pixels, of clips (frames, height, width).
    """
    if backbone['type'] not in FORMULAS:
        return None
    cls, formula = FORMULAS[backbone['type']]
    defaults = {key: value.default for key, value in inspect.signature(cls).parameters.items()}
    return formula({**defaults, **backbone}, image_size)


def window_attention_macs(size: Extent, window: Extent, channels: int) -> int:
    """W-MSA on a map: queries, keys and values of whole windows, two products of attention, the output projection."""
    padded = prod(padded_extent(size, window))
    return 3 * padded * channels**2 + 2 * prod(window) * padded * channels + prod(size) * channels**2


def swin_macs(settings: Settings, image_size: Extent) -> int:
    fields = windowed.windowed_arch(settings['arch'])
    window = fields.get('window_size', swin.WINDOW_SIZE) if settings['window_size'] is None else settings['window_size']

    def block(size: Extent, channels: int) -> int:
        hidden = int(channels * fields.get('mlp_ratio', windowed.MLP_RATIO))
        return window_attention_macs(size, (window, window), channels) + 2 * prod(size) * channels * hidden

    return _pyramid_macs(settings, fields, image_size, block)


def video_swin_macs(settings: Settings, clip_size: Extent) -> int:
    """Windows are smaller where the map is, so that no axis that one window covers is padded."""
    fields = windowed.windowed_arch(settings['arch'])
    whole = settings['window_size'] or fields.get('window_size', video_swin.WINDOW_SIZE)

    def block(size: Extent, channels: int) -> int:
        window = tuple(min(pair) for pair in zip(size, whole, strict=True))
        hidden = int(channels * fields.get('mlp_ratio', windowed.MLP_RATIO))
        return window_attention_macs(size, window, channels) + 2 * prod(size) * channels * hidden

    return _pyramid_macs(settings, fields, clip_size, block, patch=tuple(settings['patch_size']))


def shift_vit_macs(settings: Settings, image_size: Extent) -> int:
    fields = resolved_arch(settings['arch'], shift_vit.ARCHITECTURES, optional=('n_div',))

    def block(size: Extent, channels: int) -> int:
        return 2 * size[0] * size[1] * channels * int(channels * fields['mlp_ratio'])

    return _pyramid_macs(settings, fields, image_size, block)


def vit_macs(settings: Settings, image_size: Extent) -> int:
    fields = resolved_arch(settings['arch'], vit.ARCHITECTURES, optional=('mlp_ratio',))
    channels, depth = fields['embed_dims'], fields['depth']
    patch, window = settings['patch_size'], settings['window_size']
    quarters = {(depth * quarter + 3) // 4 - 1 for quarter in (1, 2, 3, 4)}
    last = max(quarters if settings['out_indices'] is None else settings['out_indices'])
    global_blocks = set(range(depth)) if window is None else quarters
    if settings['global_blocks'] is not None:
        global_blocks = set(settings['global_blocks'])

    size = _ceil(image_size[0], patch), _ceil(image_size[1], patch)
    tokens = size[0] * size[1] + int(settings['class_token'])
    total = size[0] * size[1] * settings['in_channels'] * patch**2 * channels
    for number in range(last + 1):
        if number in global_blocks:
            total += 4 * tokens * channels**2 + 2 * tokens**2 * channels
        else:
            total += window_attention_macs(size, (window, window), channels)
        if settings['relative_position']:
            # every query with a row for each height, and each width, of its map or window
            grid = size if number in global_blocks else (window, window)
            padded = size if number in global_blocks else padded_extent(size, (window, window))
            total += padded[0] * padded[1] * (grid[0] + grid[1]) * channels
        total += 2 * tokens * channels * int(channels * fields.get('mlp_ratio', 4))
    return total


FORMULAS: dict[str, tuple[type, Callable[[Settings, Extent], int]]] = {
    'swin_dense.SwinTransformer': (swin.SwinTransformer, swin_macs),
    'swin_dense.VideoSwinTransformer': (video_swin.VideoSwinTransformer, video_swin_macs),
    'swin_dense.ShiftViT': (shift_vit.ShiftViT, shift_vit_macs),
    'swin_dense.VisionTransformer': (vit.VisionTransformer, vit_macs),
}


def _pyramid_macs(
    settings: Settings,
    fields: Mapping[str, Any],
    image_size: Extent,
    block: Callable[[Extent, int], int],
    patch: Extent = (4, 4),
) -> int:
    """Patches, then stages of blocks up to the last level asked for, with merging 4 C -> 2 C between them."""
    channels = fields['embed_dims']
    size = tuple(_ceil(side, part) for side, part in zip(image_size, patch, strict=True))
    total = prod(size) * settings['in_channels'] * prod(patch) * channels
    last = max(settings['out_indices'])
    for stage, depth in enumerate(fields['depths'][: last + 1]):
        total += depth * block(size, channels)
        if stage < last:
            size = (*size[:-2], _ceil(size[-2], 2), _ceil(size[-1], 2))
            total += prod(size) * 4 * channels * 2 * channels
            channels *= 2
    return total


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)
