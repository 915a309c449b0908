"""One row for each backbone of tests/contract.py: a tiny one, and facts about it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from swin_dense.backbones import Backbone, ShiftViT, SwinTransformer, VideoSwinTransformer, VisionTransformer


@dataclass(frozen=True)
class Row:
    """A backbone and facts about its tiny arch.

    Attributes:
        channels, strides: of all its levels.
        frozen: prefixes of the parameters that `num_frozen_stages=n` freezes.
        faults: constructor arguments that must be refused, and what the error says.
        options: further constructor arguments of the tiny backbone.
        float32_under_autocast: whether levels stay in float32 there, as officially.
        frames: of the clips that it takes, () for images.
        steps: in time of its levels, () for images.
    """

    type: type[Backbone]
    arch: dict[str, Any]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    frozen: Callable[[int], tuple[str, ...]]
    faults: tuple[tuple[dict[str, Any], str], ...]
    options: dict[str, Any] = field(default_factory=dict)
    float32_under_autocast: bool = False
    frames: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()

    def make(self, **options: Any) -> Any:
        return self.type(**{'arch': self.arch, 'drop_path_rate': 0.0, **self.options, **options})

    def build(self, **options: Any) -> Any:
        model = self.make(**options)
        with torch.no_grad():
            for parameter in model.parameters():
                spread = 0.2 if parameter.ndim < 2 else parameter[0].numel() ** -0.5
                parameter.add_(torch.randn_like(parameter) * spread)
        return model

    def images(self, batch: int, height: int, width: int, *, channels: int = 3) -> Tensor:
        """Random images, or clips."""
        return torch.randn(batch, channels, *self.frames, height, width)

    @property
    def subsets(self) -> list[tuple[int, ...]]:
        levels = range(len(self.channels))
        return [subset for count in levels for subset in itertools.combinations(levels, count + 1)]


SWIN_ARCH = {'embed_dims': 8, 'depths': (2, 1, 2, 1), 'num_heads': (1, 2, 2, 4), 'window_size': 3}
SHIFT_VIT_ARCH = {'embed_dims': 12, 'depths': (2, 1, 2, 1), 'mlp_ratio': 2, 'n_div': 6}


def frozen_stages(count: int) -> tuple[str, ...]:
    return ('patch_embed.', *(f'{part}{i}.' for i in range(count) for part in ('layers.', 'norm'))) if count else ()


ROWS = {
    'SwinTransformer': Row(
        type=SwinTransformer,
        arch=SWIN_ARCH,
        channels=(8, 16, 32, 64),
        strides=(4, 8, 16, 32),
        frozen=frozen_stages,
        faults=(
            ({'arch': {**SWIN_ARCH, 'num_heads': (1, 2, 3, 4)}}, 'num_heads must divide'),
            ({'arch': {**SWIN_ARCH, 'num_heads': (1, 2, 4)}}, 'one entry a stage'),
            ({'arch': {**SWIN_ARCH, 'head_dims': 8}}, r"unknown \['head_dims'\]"),
            ({'arch': {'embed_dims': 8}}, r"missing \['depths', 'num_heads'\]"),
            ({'arch': SWIN_ARCH, 'window_size': 0}, 'window_size is .* got 0'),
        ),
    ),
    'ShiftViT': Row(
        type=ShiftViT,
        arch=SHIFT_VIT_ARCH,
        channels=(12, 24, 48, 96),
        strides=(4, 8, 16, 32),
        frozen=frozen_stages,
        faults=(
            ({'n_div': 3}, 'n_div is .* from 4 to 12; got 3'),
            ({'n_div': 13}, 'with 12 channels n_div is a whole number from 4 to 12; got 13'),
            ({'n_div': 5.5}, 'a whole number .* got 5.5'),
            ({'shift_pixels': 1.5}, 'shift_pixels is .* got 1.5'),
            ({'norm': {'type': 'BN'}}, 'group, batch; got'),
            ({'shift_pixels': -1}, 'shift_pixels is .* got -1'),
            ({'norm': 'batch', 'activation_checkpointing': True}, 'count each batch twice'),
            ({'norm': 'layer'}, "group, batch; got 'layer'"),
            ({'activation': 'silu'}, "gelu, relu; got 'silu'"),
            ({'arch': {'embed_dims': 8}}, r"missing \['depths', 'mlp_ratio'\]"),
            ({'arch': 'tinny'}, "Unknown arch 'tinny'"),
        ),
    ),
}
VIDEO_SWIN_ARCH = {**SWIN_ARCH, 'window_size': (2, 3, 3)}
# four steps in time, the last half padding: windows of two are shifted
ROWS['VideoSwinTransformer'] = Row(
    type=VideoSwinTransformer,
    arch=VIDEO_SWIN_ARCH,
    channels=(8, 16, 32, 64),
    strides=(4, 8, 16, 32),
    frozen=frozen_stages,
    faults=(
        ({'arch': {**VIDEO_SWIN_ARCH, 'num_heads': (1, 2, 3, 4)}}, 'num_heads must divide'),
        ({'window_size': 7}, r'window_size is three numbers .* got \(7,\)'),
        ({'window_size': (8, 7)}, r'window_size is three numbers .* got \(8, 7\)'),
        ({'window_size': (0, 7, 7)}, r'at least 1; got \(0, 7, 7\)'),
        ({'patch_size': (2, 4, 8)}, r'height = width; got \(2, 4, 8\)'),
        ({'inflation': 'centered'}, "average, centre; got 'centered'"),
        ({'arch': {**VIDEO_SWIN_ARCH, 'head_dims': 8}}, r"unknown \['head_dims'\]"),
    ),
    frames=(7,),
    steps=(4,),
)
VIT_ARCH = {'embed_dims': 24, 'depth': 4, 'num_heads': 3, 'mlp_ratio': 2}


def vit_row(faults: tuple[tuple[dict[str, Any], str], ...], **options: Any) -> Row:
    return Row(
        type=VisionTransformer,
        arch=VIT_ARCH,
        channels=(24,) * 4,
        strides=(8,) * 4,
        frozen=lambda n: ('patch_embed.', 'cls_token', 'pos_embed', *(f'blocks.{i}.' for i in range(n))) if n else (),
        faults=faults,
        options={'patch_size': 8, **options},
        float32_under_autocast=True,
    )


# the plain one resizes its position embedding at all SIZES, the one with windows at all but one
ROWS['VisionTransformer'] = vit_row(
    faults=(
        ({'arch': {**VIT_ARCH, 'num_heads': 5}}, 'num_heads must divide'),
        ({'arch': {'embed_dims': 8}}, r"missing \['depth', 'num_heads'\]"),
        ({'arch': {**VIT_ARCH, 'depths': 8}}, r"unknown \['depths'\]"),
        ({'window_size': 3}, 'class_token=False'),
        ({'relative_position': True}, 'class_token=False'),
        ({'relative_position_size': 64}, 'relative_position=True'),
        ({'global_blocks': (1,)}, 'give a window_size'),
        ({'image_size': (32, 0)}, r'at least 1 pixel; got \(32, 0\)'),
        ({'patch_size': 0}, 'at least 1 pixel; .* and 0'),
        ({'final_norm': True, 'out_indices': (0, 2)}, r'final_norm .* 3, .* \(0, 2\): add 3'),
    ),
)
ROWS['VisionTransformer-windows'] = vit_row(
    image_size=(40, 56),
    window_size=3,
    global_blocks=(1, 3),
    relative_position=True,
    class_token=False,
    faults=(
        ({'window_size': 0}, 'window_size .* got 0'),
        ({'global_blocks': (1, 4)}, r'from 0 to 3; got \(1, 4\)'),
    ),
)
