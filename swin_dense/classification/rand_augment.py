"""RandAugment (Cubuk et al., 2020) as DeiT, Swin and ShiftViT train with it: rand-m9-mstd0.5-inc1 of timm.

15 operations, each stronger with the magnitude ("increasing"); two are drawn for an image, and each of them is done
with probability 1/2, at a magnitude drawn around the given one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image, ImageEnhance, ImageOps

from swin_dense.classification.image_transforms import checked_interpolation, drawn_interpolation
from swin_dense.datasets.image_operations import Geometry
from swin_dense.registry import TRANSFORMS

MAX_MAGNITUDE = 10
_MEAN_COLOUR = (124, 116, 104)  # of ImageNet
_SOLARIZE_THRESHOLD = 128

# (image, strength from 0 to 1, 1 or -1 for those that go two ways, how geometric ones resample)
Operation = Callable[[Image.Image, float, int, Geometry], Any]


def _solarize_add(image: Image.Image, amount: int) -> Image.Image:
    """Dark values become lighter."""
    return image.point([min(255, value + amount) if value < _SOLARIZE_THRESHOLD else value for value in range(256)] * 3)


def _enhanced(kind: Any) -> Operation:
    return lambda image, strength, sign, geometry: kind(image).enhance(max(0.1, 1 + sign * 0.9 * strength))


OPERATIONS: dict[str, Operation] = {
    'auto_contrast': lambda image, strength, sign, geometry: ImageOps.autocontrast(image),
    'equalize': lambda image, strength, sign, geometry: ImageOps.equalize(image),
    'invert': lambda image, strength, sign, geometry: ImageOps.invert(image),
    'rotate': lambda image, strength, sign, geometry: geometry.rotated(image, sign * 30 * strength),
    'posterize': lambda image, strength, sign, geometry: _posterized(image, 4 - int(4 * strength)),
    'solarize': lambda image, strength, sign, geometry: ImageOps.solarize(image, 256 - min(256, int(256 * strength))),
    'solarize_add': lambda image, strength, sign, geometry: _solarize_add(image, min(128, int(110 * strength))),
    'color': _enhanced(ImageEnhance.Color),
    'contrast': _enhanced(ImageEnhance.Contrast),
    'brightness': _enhanced(ImageEnhance.Brightness),
    'sharpness': _enhanced(ImageEnhance.Sharpness),
    'shear_x': lambda image, strength, sign, geometry: geometry.sheared(image, along_x=sign * 0.3 * strength),
    'shear_y': lambda image, strength, sign, geometry: geometry.sheared(image, along_y=sign * 0.3 * strength),
    'translate_x': lambda image, strength, sign, geometry: geometry.translated(
        image, x=sign * 0.45 * strength * image.width
    ),
    'translate_y': lambda image, strength, sign, geometry: geometry.translated(
        image, y=sign * 0.45 * strength * image.height
    ),
}


def _posterized(image: Image.Image, bits: int) -> Image.Image:
    """To so many bits a channel; 0 is black, which Pillow's function does not do."""
    return ImageOps.posterize(image, bits) if bits else image.point([0] * 768)


@TRANSFORMS.register_module()
class RandAugment(BaseTransform):
    """See the module.

    Args:
        num_ops: drawn for each image, with repetition.
        magnitude: from 0 to 10.
        magnitude_std: standard deviation around it, of each operation; what is drawn is cut to 0 and 10.
        prob: of each operation that was drawn.
        interpolation: of geometric ones: 'bilinear', 'bicubic' or 'random'.
    """

    def __init__(
        self,
        *,
        num_ops: int = 2,
        magnitude: float = 9,
        magnitude_std: float = 0.5,
        prob: float = 0.5,
        interpolation: str = 'bicubic',
    ) -> None:
        if num_ops < 0 or not 0 <= magnitude <= MAX_MAGNITUDE or magnitude_std < 0 or not 0 <= prob <= 1:
            raise ValueError(
                f'num_ops and magnitude_std are at least 0, magnitude from 0 to {MAX_MAGNITUDE}, prob from 0 to 1; got '
                f'{num_ops}, {magnitude_std}, {magnitude} and {prob}.'
            )
        self.num_ops, self.magnitude, self.magnitude_std, self.prob = num_ops, magnitude, magnitude_std, prob
        self.interpolation = interpolation
        checked_interpolation(interpolation, ('random',))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        names = list(OPERATIONS)
        for _ in range(self.num_ops):
            name, sign = names[np.random.randint(len(names))], 2 * np.random.randint(2) - 1
            magnitude = float(np.clip(np.random.normal(self.magnitude, self.magnitude_std), 0, MAX_MAGNITUDE))
            if np.random.random_sample() < self.prob:
                geometry = Geometry(fill=_MEAN_COLOUR, resampling=drawn_interpolation(self.interpolation))
                results['image'] = OPERATIONS[name](results['image'], magnitude / MAX_MAGNITUDE, sign, geometry)
        return results
