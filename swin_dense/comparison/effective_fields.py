"""Effective receptive fields: how much each pixel of the input moves an activation in the middle of a level.

Luo et al. (2016, arXiv 1701.04128): the gradient of the activation by the input. Here it is of the channels' sum with
random signs, other ones for each image: a plain sum of what a LayerNorm gives is a constant, without a gradient.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from swin_dense.layers.windows import Size

SHARES = (0.5, 0.9)


@dataclass(frozen=True)
class EffectiveField:
    """Of one level of a backbone.

    Attributes:
        mass: (H, W) float64, of the image without padding: shares of the absolute gradient, mean over images, which
            sum to 1.
        stride: pixels between two activations of the level.
    """

    mass: np.ndarray
    stride: int

    @property
    def centre(self) -> tuple[float, float]:
        """(y, x) of the centre of mass, in pixels."""
        rows, columns = np.indices(self.mass.shape)
        return float((rows * self.mass).sum()), float((columns * self.mass).sum())

    def radius(self, share: float) -> float:
        """Pixels from the centre to the border of the smallest disc that has `share` of the mass."""
        rows, columns = np.indices(self.mass.shape)
        y, x = self.centre
        distances = np.hypot(rows - y, columns - x).ravel()
        order = np.argsort(distances, kind='stable')
        reached = int(np.searchsorted(np.cumsum(self.mass.ravel()[order]), share - 1e-12))
        return float(distances[order[min(reached, len(order) - 1)]])

    def area(self, share: float) -> int:
        """The least number of pixels that have `share` of the mass, wherever they are."""
        densest = np.sort(self.mass.ravel())[::-1]
        return min(int(np.searchsorted(np.cumsum(densest), share - 1e-12)) + 1, densest.size)


def effective_fields(
    backbone: nn.Module, images: Sequence[Tensor], *, size: Size | None = None
) -> list[EffectiveField]:
    """The field of each level that a backbone returns.

    Args:
        backbone: in evaluation mode.
        images: (1, C, H, W) each, normalised, all of one size.
        size: (height, width) from the top left that is the image; None: all. The rest is padding, whose pixels never
            change, whatever they would move.

    Raises:
        ValueError: a level does not depend on its input, or not by finite numbers.
    """
    height, width = size or images[0].shape[-2:]
    sums: dict[int, Tensor] = {}
    strides: dict[int, int] = {}
    for number, image in enumerate(images):
        x = image.detach().clone().requires_grad_()
        with torch.enable_grad():
            levels = backbone(x)
            levels = (levels,) if isinstance(levels, Tensor) else levels
            for index, level in enumerate(levels):
                activation = _activation(level, seed=number)
                (gradient,) = torch.autograd.grad(activation, x, retain_graph=True)
                field = gradient[0, :, :height, :width].abs().sum(0).double().cpu()
                sums[index] = field + sums.get(index, 0)
                strides[index] = _stride(x, level)
    for index, field in sums.items():
        if not (torch.isfinite(field).all() and field.sum() > 0):
            raise ValueError(f'level {index} has no finite gradient by its input')
    return [EffectiveField((field / field.sum()).numpy(), strides[index]) for index, field in sums.items()]


def _activation(level: Tensor, seed: int) -> Tensor:
    """The position in the middle of a (1, C, h, w) level: its channels, added with random signs."""
    _, channels, height, width = level.shape
    signs = torch.randint(0, 2, (channels,), generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return (level[0, :, height // 2, width // 2] * signs.to(level)).sum()


def _stride(x: Tensor, level: Tensor) -> int:
    # sizes of levels are rounded up, and strides are powers of two
    return 2 ** round(math.log2(x.shape[-2] / level.shape[-2]))
