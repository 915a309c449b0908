"""Swin Transformer (Liu et al., 2021, arXiv 2103.14030) as a dense backbone.

Follows the official detection and segmentation code (SwinTransformer/Swin-Transformer-Object-Detection@c7b2011), with
its parameter names.
"""

from collections.abc import Iterable
from typing import Any

from swin_dense.backbones.windowed import WindowedBackbone, windowed_arch
from swin_dense.registry import MODELS

PATCH_SIZE = 4
WINDOW_SIZE = 7


@MODELS.register_module()
class SwinTransformer(WindowedBackbone):
    """Swin Transformer: levels of stride 4, 8, 16, 32 with C, 2C, 4C, 8C channels.

    Args:
        arch: 'tiny', 'small', 'base', 'large', or a dict with `embed_dims` (C), `depths` and `num_heads` (one a stage),
            and optionally `window_size` (7) and `mlp_ratio` (4).
        window_size: tokens along each side of a window; None takes that of `arch`.
        drop_path_rate: stochastic depth, rising linearly from 0 at the first block to this at the last.
        out_indices: levels to return. Stages after the last one are not built.
        num_frozen_stages: 0: none; n: the patch embedding and the first n stages, with their output norms.
        activation_checkpointing: work blocks out again in the backward pass rather than keep their activations.
        in_channels: of the images.
        clamp_shift: do not shift along an axis that one window covers, as the official classification code (and timm,
            torchvision) does at 224 pixels. The official detection and segmentation code always shifts.
        shifted_windows: shift the windows of every second block; without, for ablations, tokens of different windows
            meet in patch merging alone.
        position_bias: add the relative position bias to the logits of attention; without, for ablations, there is no
            table, and only what is padded and merged depends on positions.
        init_cfg: dict(type='Pretrained', checkpoint=...) or None.
    """

    def __init__(
        self,
        *,
        arch: str | dict[str, Any] = 'tiny',
        window_size: int | None = None,
        drop_path_rate: float = 0.2,
        out_indices: Iterable[int] = (0, 1, 2, 3),
        num_frozen_stages: int = 0,
        activation_checkpointing: bool = False,
        in_channels: int = 3,
        clamp_shift: bool = False,
        shifted_windows: bool = True,
        position_bias: bool = True,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        fields = windowed_arch(arch)
        window = fields.get('window_size', WINDOW_SIZE) if window_size is None else window_size
        if window < 1:
            raise ValueError(f'window_size is a number of tokens, at least 1; got {window}.')
        self.assemble_windowed(
            fields=fields,
            window_size=(window, window),
            patch_size=(PATCH_SIZE, PATCH_SIZE),
            in_channels=in_channels,
            drop_path_rate=drop_path_rate,
            out_indices=out_indices,
            num_frozen_stages=num_frozen_stages,
            activation_checkpointing=activation_checkpointing,
            block_options={'clamp_shift': clamp_shift, 'position_bias': position_bias},
            shifted_axes=(shifted_windows, shifted_windows),
        )
