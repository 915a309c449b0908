"""Augmentation of whole batches, on the device: mixup, cutmix, random erasing.

Numbers come from torch's generator on the CPU, whose state checkpoints have: a resumed run mixes the same.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.registry import MODELS

_TRIES = 10
Box = tuple[int, int, int, int]  # top, left, height, width


@MODELS.register_module()
class MixupCutmix(nn.Module):
    """Mixes each image with its mirror in the batch, by mixup (Zhang et al., 2018) or cutmix (Yun et al., 2019).

    One of the two, and one share, is drawn for a batch. Source: Mixup of timm in its mode 'batch', as DeiT, Swin and
    ShiftViT use it.

    Args:
        mixup_alpha, cutmix_alpha: of the beta distribution that the share is drawn from; 0: never.
        prob: that a batch is mixed at all.
        switch_prob: of cutmix, where both are possible.
        label_smoothing: the share of each label that is spread evenly over all classes.
        num_classes: None: filled in by the classifier.
    """

    def __init__(
        self,
        *,
        mixup_alpha: float = 0.8,
        cutmix_alpha: float = 1.0,
        prob: float = 1.0,
        switch_prob: float = 0.5,
        label_smoothing: float = 0.1,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        if min(mixup_alpha, cutmix_alpha) < 0 or max(mixup_alpha, cutmix_alpha) == 0:
            raise ValueError(
                f'mixup_alpha and cutmix_alpha are at least 0, one of them above; got {mixup_alpha}, {cutmix_alpha}.'
            )
        self.mixup_alpha, self.cutmix_alpha = mixup_alpha, cutmix_alpha
        self.prob, self.switch_prob, self.label_smoothing = prob, switch_prob, label_smoothing
        self.num_classes = num_classes

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) and (B,) int64 -> mixed images, new, and (B, number of classes) targets."""
        assert self.num_classes is not None
        targets = smoothed(labels, self.num_classes, self.label_smoothing)
        if torch.rand(()) >= self.prob:
            return images, targets
        if self._cuts():
            height, width = images.shape[2:]
            top, left, box_height, box_width = cut_box(_beta(self.cutmix_alpha), height, width)
            images = images.clone()
            rows, columns = slice(top, top + box_height), slice(left, left + box_width)
            images[:, :, rows, columns] = images.flip(0)[:, :, rows, columns]
            share = 1 - box_height * box_width / (height * width)
        else:
            share = _beta(self.mixup_alpha)
            images = share * images + (1 - share) * images.flip(0)
        return images, share * targets + (1 - share) * targets.flip(0)

    def _cuts(self) -> bool:
        if not self.mixup_alpha or not self.cutmix_alpha:
            return self.cutmix_alpha > 0
        return bool(torch.rand(()) < self.switch_prob)


def smoothed(labels: Tensor, num_classes: int, smoothing: float) -> Tensor:
    """(B,) -> (B, number of classes): 1 - s + s / K at the label, s / K elsewhere."""
    return F.one_hot(labels, num_classes) * (1 - smoothing) + smoothing / num_classes


def cut_box(share: float, height: int, width: int) -> Box:
    """A box of 1 - `share` of the area, of the image's shape, around a point that is drawn; cut at the edges."""
    side = math.sqrt(1 - share)
    box_height, box_width = int(height * side), int(width * side)
    y, x = int(torch.randint(height, ())), int(torch.randint(width, ()))
    top, bottom = max(y - box_height // 2, 0), min(y + box_height // 2, height)
    left, right = max(x - box_width // 2, 0), min(x + box_width // 2, width)
    return top, left, bottom - top, right - left


@MODELS.register_module()
class RandomErasing(nn.Module):
    """Fills a box of each image with normal noise, with probability `prob` (Zhong et al., 2020).

    For normalised images. Source: RandomErasing of timm in its mode 'pixel'.

    Args:
        area: of the box, least and most share of the image.
        aspect: height / width, least and most; drawn on a scale of logarithms. An image in which none of 10 boxes fits
            stays as it is.
    """

    def __init__(
        self,
        *,
        prob: float = 0.25,
        area: tuple[float, float] = (0.02, 1 / 3),
        aspect: tuple[float, float] = (0.3, 10 / 3),
    ) -> None:
        super().__init__()
        if not 0 <= prob <= 1 or not 0 < area[0] <= area[1] <= 1 or not 0 < aspect[0] <= aspect[1]:
            raise ValueError(f'prob is from 0 to 1, area and aspect are least and most; got {prob}, {area}, {aspect}.')
        self.prob, self.area, self.aspect = prob, area, aspect

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> the same with boxes, new."""
        images = images.clone()
        height, width = images.shape[2:]
        for image in images:
            if torch.rand(()) < self.prob and (box := self._box(height, width)) is not None:
                top, left, box_height, box_width = box
                noise = torch.randn(image.shape[0], box_height, box_width)
                image[:, top : top + box_height, left : left + box_width] = noise.to(image)
        return images

    def _box(self, height: int, width: int) -> Box | None:
        for _ in range(_TRIES):
            pixels = _uniform(*self.area) * height * width
            aspect = math.exp(_uniform(math.log(self.aspect[0]), math.log(self.aspect[1])))
            box_height, box_width = round(math.sqrt(pixels * aspect)), round(math.sqrt(pixels / aspect))
            if 0 < box_height < height and 0 < box_width < width:
                top, left = (int(torch.randint(side + 1, ())) for side in (height - box_height, width - box_width))
                return top, left, box_height, box_width
        return None


def _beta(alpha: float) -> float:
    return float(torch.distributions.Beta(torch.tensor(alpha), torch.tensor(alpha)).sample())


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
