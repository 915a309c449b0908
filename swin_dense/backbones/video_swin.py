"""Video Swin Transformer (Liu et al., 2022, arXiv 2106.13230) as a backbone of clips.

Follows the official code (SwinTransformer/Video-Swin-Transformer@db018fb, mmaction/models/backbones),
with its parameter names. What differs: every level can be returned, each with a norm of its own; the official code
returns the last one, through `norm`, which is `norm3` here.
"""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from swin_dense.backbones.windowed import WindowedBackbone, windowed_arch
from swin_dense.registry import MODELS

PATCH_SIZE = (2, 4, 4)
WINDOW_SIZE = (8, 7, 7)
INFLATIONS = ('average', 'centre')


@MODELS.register_module()
class VideoSwinTransformer(WindowedBackbone):
    """Video Swin: (B, C_in, T, H, W) -> levels of spatial stride 4, 8, 16, 32, all of T / 2 steps in time.

    A window, and its shift, are clamped along an axis on which the map is smaller than the window.

    Args:
        arch: 'tiny', 'small', 'base', 'large', or a dict with `embed_dims` (C), `depths` and `num_heads` (one a stage),
            and optionally `window_size` and `mlp_ratio` (4).
        patch_size: (frames, height, width); spatial sides are equal. Time is not merged after it.
        window_size: tokens (time, height, width) of a window; None takes that of `arch`, or (8, 7, 7).
        drop_path_rate: stochastic depth, rising linearly from 0 at the first block to this at the last.
        out_indices: levels to return. Stages after the last one are not built.
        num_frozen_stages: 0: none; n: the patch embedding and the first n stages, with their output norms.
        activation_checkpointing: work blocks out again in the backward pass rather than keep their activations.
        in_channels: of the frames.
        exact_clamped_bias: give clamped windows the position biases of their true offsets. The official code, and
            torchvision, number their tokens as those of the whole window, which differs where they are clamped in
            height or width: maps of fewer than 7 rows or columns, at the last level of frames below 224 pixels.
        inflation: how weights of a 2-D Swin become a patch embedding of clips when they are loaded. 'average': repeated
            over the frames of a patch and divided by their number, as officially; 'centre': at the middle frame, zero
            at the others (ViViT, arXiv 2103.15691, section 3.4).
        temporal_shift: shift windows in time as well as in space; without, for ablations, frames of different windows
            never meet.
        init_cfg: dict(type='Pretrained', checkpoint=...) or None.

    Attributes:
        temporal_stride: frames of the input for one step in time on each level.
    """

    def __init__(
        self,
        *,
        arch: str | dict[str, Any] = 'tiny',
        patch_size: tuple[int, int, int] = PATCH_SIZE,
        window_size: tuple[int, int, int] | None = None,
        drop_path_rate: float = 0.1,
        out_indices: Iterable[int] = (0, 1, 2, 3),
        num_frozen_stages: int = 0,
        activation_checkpointing: bool = False,
        in_channels: int = 3,
        exact_clamped_bias: bool = False,
        inflation: str = 'average',
        temporal_shift: bool = True,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        fields = windowed_arch(arch)
        window = fields.get('window_size', WINDOW_SIZE) if window_size is None else window_size
        if inflation not in INFLATIONS:
            raise ValueError(f'inflation is one of {", ".join(INFLATIONS)}; got {inflation!r}.')
        self.inflation = inflation
        patch = _three_sides('patch_size', patch_size, 'frames and pixels')
        if patch[1] != patch[2]:
            raise ValueError(f'patch_size is (frames, height, width) with height = width; got {patch}.')
        self.temporal_stride = patch[0]
        self.window_size = _three_sides('window_size', window, 'tokens')
        self.assemble_windowed(
            fields=fields,
            window_size=self.window_size,
            patch_size=patch,
            in_channels=in_channels,
            drop_path_rate=drop_path_rate,
            out_indices=out_indices,
            num_frozen_stages=num_frozen_stages,
            activation_checkpointing=activation_checkpointing,
            block_options={
                'clamp_shift': True,
                'clamp_window': True,
                'exact_clamped_bias': exact_clamped_bias,
            },
            shifted_axes=(temporal_shift, True, True),
        )

    def forward(self, clips: Tensor) -> tuple[Tensor, ...]:
        """(B, in_channels, T, H, W) -> (B, C 2^i, ceil(T / 2), ceil(H / stride_i), ceil(W / stride_i)) for i in
        `out_indices`, any T, H, W >= 1.
        """
        return super().forward(clips)


def _three_sides(name: str, sides: Iterable[int], of: str) -> tuple[int, int, int]:
    found = tuple(sides) if isinstance(sides, Iterable) else (sides,)
    if len(found) != 3 or any(not isinstance(side, int) or side < 1 for side in found):
        raise ValueError(f'{name} is three numbers of {of}, (time, height, width), each at least 1; got {found}.')
    return found
