"""From the images of a data set to what a classifier takes."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from swin_dense.classification.samples import ClassSample
from swin_dense.registry import MODELS

_IMAGENET_MEAN = (123.675, 116.28, 103.53)
_IMAGENET_STD = (58.395, 57.12, 57.375)
Config = dict[str, Any]


@MODELS.register_module()
class ClassDataPreprocessor(BaseDataPreprocessor):
    """Normalises images, and augments the batches of training on the model's device.

    Args:
        mean, std: of the channels of RGB images in [0, 255].
        random_erasing: as `RandomErasing`, or None. After normalisation, before mixing, as in the official recipes.
        mixing: as `MixupCutmix`, or None; the samples get soft targets.
    """

    def __init__(
        self,
        *,
        mean: Sequence[float] = _IMAGENET_MEAN,
        std: Sequence[float] = _IMAGENET_STD,
        random_erasing: Config | None = None,
        mixing: Config | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.random_erasing = None if random_erasing is None else MODELS.build(random_erasing)
        self.mixing = None if mixing is None else MODELS.build(mixing)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Args:

            data: `inputs`, a list of uint8 (3, H, W) of one size; of images that could not be read, empty tensors. And
                `data_samples`, one each.

        Returns: `inputs`, float32 (B, 3, H, W), of those that could be read, and `data_samples` of all.

        Raises:
            ValueError: images of a batch have different sizes.
        """
        samples: list[ClassSample] | None = data.get('data_samples')
        read = [image for image in data['inputs'] if image.numel()]
        if not read:
            return {'inputs': self.mean.new_zeros((0, len(self.mean), 1, 1)), 'data_samples': samples}
        if len({image.shape for image in read}) > 1:
            sizes = ', '.join(sorted({str(tuple(image.shape)) for image in read}))
            raise ValueError(
                f'the images of a batch have different sizes (C, H, W): {sizes}. End the pipeline with a crop to one '
                'size: swin_dense.RandomResizedCropImage in training, swin_dense.CenterCropImage in tests.'
            )
        images = torch.stack(read).to(self.mean.device, non_blocking=self._non_blocking)
        images = (images.float() - self.mean) / self.std
        if training and samples is not None:
            images, samples = self._augmented(images, samples)
        return {'inputs': images, 'data_samples': samples}

    def _augmented(self, images: Tensor, samples: list[ClassSample]) -> tuple[Tensor, list[ClassSample]]:
        if self.random_erasing is not None:
            images = self.random_erasing(images)
        if self.mixing is None:
            return images, samples
        labels = torch.stack([sample.gt_label.reshape(()) for sample in samples]).to(images.device)
        images, targets = self.mixing(images, labels)
        mixed = [sample.new() for sample in samples]
        for sample, scores in zip(mixed, targets, strict=True):
            sample.gt_scores = scores
        return images, mixed
