"""Levels of a video backbone as maps of single frames, for heads that know images."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from swin_dense.registry import MODELS


@MODELS.register_module()
class FrameMaps(nn.Module):
    """(B, C, T', H, W) -> (B * T, C, H, W), the frames of each clip in their order.

    A step in time stands for `temporal_stride` frames. A projection for each of them makes their maps, so that what
    moves can be at a place of its own in each: pixel shuffle, along time. They start as the identity, which repeats the
    step's map.

    Args:
        in_channels: C of each level.
        frames_per_clip: T.
        temporal_stride: frames for one step; 1 passes maps on as they are, those of image backbones among them.
    """

    def __init__(self, *, in_channels: Sequence[int], frames_per_clip: int, temporal_stride: int) -> None:
        super().__init__()
        if min(frames_per_clip, temporal_stride) < 1:
            raise ValueError(
                f'frames_per_clip and temporal_stride are at least 1; got {frames_per_clip} and {temporal_stride}.'
            )
        self.in_channels = self.out_channels = tuple(in_channels)
        self.frames_per_clip, self.temporal_stride = frames_per_clip, temporal_stride
        self.projections = nn.ModuleList()
        for channels in self.in_channels if temporal_stride > 1 else ():
            projection = nn.Linear(channels, channels * temporal_stride)
            with torch.no_grad():
                projection.weight.copy_(torch.eye(channels).repeat(temporal_stride, 1))
                projection.bias.zero_()
            self.projections.append(projection)

    def forward(self, levels: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """One map a level, of all frames of all clips."""
        if self.temporal_stride == 1:
            return tuple(level if level.ndim == 4 else level.transpose(1, 2).flatten(0, 1) for level in levels)
        return tuple(
            self._frames(level, projection) for level, projection in zip(levels, self.projections, strict=True)
        )

    def _frames(self, level: Tensor, projection: nn.Module) -> Tensor:
        batch, steps = level.shape[0], level.shape[2]
        if steps != -(-self.frames_per_clip // self.temporal_stride):
            raise ValueError(
                f'a level has {steps} steps in time; clips of {self.frames_per_clip} frames have '
                f'{-(-self.frames_per_clip // self.temporal_stride)} at a stride of {self.temporal_stride}.'
            )
        x = projection(level.movedim(1, -1))  # (B, T', H, W, stride * C)
        x = x.unflatten(-1, (self.temporal_stride, -1)).movedim(-2, 2).flatten(1, 2)[:, : self.frames_per_clip]
        return x.movedim(-1, 2).reshape(batch * self.frames_per_clip, -1, *level.shape[3:])
