"""RandAugment and random erasing, the same for all frames of a clip.

Sources: Cubuk et al., 2020, and Zhong et al., 2020; the operations and their strengths follow the RandAugment of timm.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image, ImageEnhance, ImageOps

from swin_dense.datasets.image_operations import Geometry
from swin_dense.registry import TRANSFORMS

MAX_MAGNITUDE = 10
_GEOMETRY = Geometry(fill=(128, 128, 128), resampling=Image.Resampling.BILINEAR)

# an operation takes a frame and a strength from 0 to 1, and a sign for those that go two ways
Operation = Callable[[Image.Image, float, int], Image.Image]


def _enhanced(kind: Any) -> Operation:
    return lambda image, strength, sign: kind(image).enhance(1 + sign * 0.9 * strength)


OPERATIONS: dict[str, Operation] = {
    'auto_contrast': lambda image, strength, sign: ImageOps.autocontrast(image),
    'equalize': lambda image, strength, sign: ImageOps.equalize(image),
    'invert': lambda image, strength, sign: ImageOps.invert(image),
    'posterize': lambda image, strength, sign: ImageOps.posterize(image, 8 - round(4 * strength)),
    'solarize': lambda image, strength, sign: ImageOps.solarize(image, 256 - round(256 * strength)),
    'rotate': lambda image, strength, sign: _GEOMETRY.rotated(image, sign * 30 * strength),
    'shear_x': lambda image, strength, sign: _GEOMETRY.sheared(image, along_x=sign * 0.3 * strength),
    'shear_y': lambda image, strength, sign: _GEOMETRY.sheared(image, along_y=sign * 0.3 * strength),
    'translate_x': lambda image, strength, sign: _GEOMETRY.translated(image, x=sign * 0.45 * strength * image.width),
    'translate_y': lambda image, strength, sign: _GEOMETRY.translated(image, y=sign * 0.45 * strength * image.height),
    'color': _enhanced(ImageEnhance.Color),
    'contrast': _enhanced(ImageEnhance.Contrast),
    'brightness': _enhanced(ImageEnhance.Brightness),
    'sharpness': _enhanced(ImageEnhance.Sharpness),
}


@TRANSFORMS.register_module()
class RandAugmentClips(BaseTransform):
    """`num_ops` drawn operations of `OPERATIONS`, one after the other, with one strength.

    Args:
        num_ops: drawn with repetition.
        magnitude: of all, from 0 to 10.
    """

    def __init__(self, *, num_ops: int = 4, magnitude: float = 7) -> None:
        if num_ops < 0 or not 0 <= magnitude <= MAX_MAGNITUDE:
            raise ValueError(
                f'num_ops is at least 0 and magnitude from 0 to {MAX_MAGNITUDE}; got {num_ops} and {magnitude}.'
            )
        self.num_ops, self.magnitude = num_ops, magnitude

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        results['clips'] = [self._augmented(clip) for clip in results['clips']]
        return results

    def _augmented(self, clip: np.ndarray) -> np.ndarray:
        names = list(OPERATIONS)
        drawn = [(names[np.random.randint(len(names))], 2 * np.random.randint(2) - 1) for _ in range(self.num_ops)]
        frames = [Image.fromarray(np.ascontiguousarray(frame)) for frame in clip]
        for name, sign in drawn:
            frames = [OPERATIONS[name](frame, self.magnitude / MAX_MAGNITUDE, sign) for frame in frames]
        return np.stack([np.asarray(frame) for frame in frames])


@TRANSFORMS.register_module()
class RandomErasingClips(BaseTransform):
    """Fills a drawn rectangle with noise, with probability `prob`: the same pixels in all frames.

    Args:
        area: of the rectangle, least and most share of the frame.
        aspect: height / width, least and most; drawn on a scale of logarithms.
    """

    def __init__(
        self,
        *,
        prob: float = 0.25,
        area: tuple[float, float] = (0.02, 1 / 3),
        aspect: tuple[float, float] = (0.3, 10 / 3),
    ) -> None:
        self.prob, self.area, self.aspect = prob, area, aspect

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        results['clips'] = [
            self._erased(clip) if np.random.random_sample() < self.prob else clip for clip in results['clips']
        ]
        return results

    def _erased(self, clip: np.ndarray) -> np.ndarray:
        frame_height, frame_width = clip.shape[1:3]
        pixels = frame_height * frame_width * np.random.uniform(*self.area)
        aspect = math.exp(np.random.uniform(math.log(self.aspect[0]), math.log(self.aspect[1])))
        height = min(frame_height, max(1, round(math.sqrt(pixels * aspect))))
        width = min(frame_width, max(1, round(math.sqrt(pixels / aspect))))
        top, left = np.random.randint(frame_height - height + 1), np.random.randint(frame_width - width + 1)
        erased = clip.copy()
        noise = np.random.randint(0, 256, (height, width, 3), dtype=np.uint8)
        erased[:, top : top + height, left : left + width] = noise
        return erased
