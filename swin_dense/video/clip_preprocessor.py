"""From the clips of a data set to what a recogniser takes."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from swin_dense.classification.samples import ClassSample
from swin_dense.registry import MODELS

_IMAGENET_MEAN = (123.675, 116.28, 103.53)
_IMAGENET_STD = (58.395, 57.12, 57.375)


@MODELS.register_module()
class ClipDataPreprocessor(BaseDataPreprocessor):
    """Normalises clips: those of a training batch at once, those of tests when the recogniser comes to them.

    Args:
        mean, std: of the channels of RGB frames in [0, 255].
    """

    def __init__(self, *, mean: Sequence[float] = _IMAGENET_MEAN, std: Sequence[float] = _IMAGENET_STD) -> None:
        super().__init__()
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1, 1), persistent=False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Args:

            data: `inputs`, a list of uint8 (V, C, T, H, W), one a video, and `data_samples`, one each.

        Returns: in training `inputs` (sum of V, C, T, H, W) float32 on the device, with one sample a view; in testing
        `inputs` as they came: the views of a video are moved to the device a few at a time.

        Raises:
            ValueError: clips of a training batch have different sizes.
        """
        if not training:
            return {'inputs': list(data['inputs']), 'data_samples': data.get('data_samples')}
        inputs: list[Tensor] = data['inputs']
        if len({each.shape[1:] for each in inputs}) > 1:
            sizes = ', '.join(sorted({str(tuple(each.shape[1:])) for each in inputs}))
            raise ValueError(
                f'the clips of a batch have different sizes (C, T, H, W): {sizes}. End the train pipeline with a crop '
                'to one size, as swin_dense.RandomResizedCropClips.'
            )
        samples: list[ClassSample] = [
            sample for views, sample in zip(inputs, data['data_samples'], strict=True) for _ in views
        ]
        return {'inputs': self.normalised(torch.cat(list(inputs))), 'data_samples': samples}

    def normalised(self, clips: Tensor) -> Tensor:
        """uint8 (B, C, T, H, W) on any device -> float32 on the model's."""
        clips = clips.to(self.mean.device, non_blocking=self._non_blocking)
        return (clips.float() - self.mean) / self.std
