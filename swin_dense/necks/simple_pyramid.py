"""The simple feature pyramid of ViTDet (Li et al., 2022, arXiv 2203.16527, section 3): four scales of one map.

Maps are (B, C, H, W), best in channels-last memory, as the backbones of this package return them.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.registry import MODELS

NORM_EPS = 1e-6


@MODELS.register_module()
class SimpleFeaturePyramid(nn.Module):
    """Strides 4, 8, 16, 32 from one map of stride 16, and coarser ones by taking every second pixel, as FPN does.

    Parameters are named as in facebookresearch/detectron2@0818132, modeling/backbone/vit.py. Unlike there, maps that
    cannot be halved keep their last row and column, so that all sizes are ceilings.

    Args:
        in_channels: C of the map; of several numbers, one a level of the backbone, the last.
        out_channels: of all outputs.
        num_outs: number of outputs, at least 4.
    """

    def __init__(self, *, in_channels: int | Sequence[int], out_channels: int = 256, num_outs: int = 5) -> None:
        super().__init__()
        if num_outs < 4:
            raise ValueError(f'The pyramid has 4 scales, and num_outs may add more; got {num_outs}.')
        channels = in_channels if isinstance(in_channels, int) else in_channels[-1]
        if channels % 4:
            raise ValueError(f'The finest scale has a quarter of in_channels, a multiple of 4; got {channels}.')
        self.num_outs = num_outs
        half, quarter = channels // 2, channels // 4
        # numbered by log2 of the stride
        self.simfp_2 = nn.Sequential(
            _doubling(channels, half),
            ChannelNorm(half, eps=NORM_EPS),
            nn.GELU(),
            _doubling(half, quarter),
            *_projections(quarter, out_channels),
        )
        self.simfp_3 = nn.Sequential(_doubling(channels, half), *_projections(half, out_channels))
        self.simfp_4 = nn.Sequential(*_projections(channels, out_channels))
        self.simfp_5 = nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), *_projections(channels, out_channels))

    def forward(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The levels of a backbone, of which the last (B, C, H, W) counts -> `num_outs` maps.

        They are (B, out_channels, 4 H, 4 W), (2 H, 2 W), (H, W), (H / 2, W / 2), ..., sizes rounded up.
        """
        scales = (self.simfp_2, self.simfp_3, self.simfp_4, self.simfp_5)
        outputs = [scale(levels[-1]) for scale in scales]
        while len(outputs) < self.num_outs:
            outputs.append(F.max_pool2d(outputs[-1], kernel_size=1, stride=2))
        return tuple(outputs)


@MODELS.register_module()
class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each pixel of (B, C, H, W); for heads of mmdet, as `norm_cfg`, too."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return super().forward(x_BCHW.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class NormedConv2d(nn.Conv2d):
    """A convolution that keeps the size, without bias, then `norm`."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
        self.norm = ChannelNorm(out_channels, eps=NORM_EPS)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.norm(super().forward(x_BCHW))


def _doubling(in_channels: int, out_channels: int) -> nn.Module:
    return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)


def _projections(in_channels: int, out_channels: int) -> tuple[nn.Module, nn.Module]:
    return NormedConv2d(in_channels, out_channels, 1), NormedConv2d(out_channels, out_channels, 3)
