"""From the path of an image to what a classifier takes: reading, sizes, crops.

A sample is a dict with `path`, and from `ReadImage` on `image`, a PIL image in mode RGB: published classifiers were
trained and tested with Pillow's resizing, which averages when it shrinks.
"""

import io
import math
import os
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image, UnidentifiedImageError

from swin_dense.classification.samples import packed_sample
from swin_dense.classification.tars import read_slice
from swin_dense.datasets.image_headers import HEADER_ERRORS, UnreadableImage
from swin_dense.registry import TRANSFORMS

INTERPOLATIONS = {'bilinear': Image.Resampling.BILINEAR, 'bicubic': Image.Resampling.BICUBIC}
_TRIES = 10


@TRANSFORMS.register_module()
class ReadImage(BaseTransform):
    """Adds `image` of a file, or of the part `slice` of a tar file.

    As the official code reads: the orientation in EXIF is ignored, transparency dropped, grey and CMYK become RGB; 16
    bits a channel become 8, value / 256.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Raises UnreadableImage."""
        results['image'] = decoded(_content(results))
        return results


def decoded(content: bytes) -> Image.Image:
    """The picture of a file's bytes, in mode RGB. Raises UnreadableImage where it is none, or not whole."""
    if not content:
        raise UnreadableImage('an empty file')
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            if image.mode.startswith('I'):
                grey = np.clip(np.asarray(image, np.int64) >> 8, 0, 255).astype(np.uint8)
                return Image.fromarray(grey).convert('RGB')
            # of palettes with transparency Pillow warns, and RGBA is what it asks for
            return (image.convert('RGBA') if 'transparency' in image.info else image).convert('RGB')
    except (*HEADER_ERRORS, Image.DecompressionBombError) as error:
        if isinstance(error, UnidentifiedImageError):
            raise UnreadableImage('no picture of a kind that Pillow knows') from None
        raise UnreadableImage(f'no picture that Pillow can read to its end: {_said(error)}') from None


@TRANSFORMS.register_module()
class RandomResizedCropImage(BaseTransform):
    """Cuts out a part of drawn size, shape and place, and resizes it to `size` x `size` pixels.

    Where no part of a drawn size fits in 10 tries, the middle is taken, cut to the nearest allowed shape. Source:
    Szegedy et al., 2015, as RandomResizedCrop of torchvision.

    Args:
        scale: least and most share of the image's area.
        aspect: width / height of the part, least and most; drawn on a scale of logarithms.
        interpolation: 'bilinear', 'bicubic', or 'random', one of the two for each image.
    """

    def __init__(
        self,
        *,
        size: int,
        scale: tuple[float, float] = (0.08, 1.0),
        aspect: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: str = 'bicubic',
    ) -> None:
        if not 0 < scale[0] <= scale[1] <= 1:
            raise ValueError(f'scale is the least and the most share of the image, above 0 and up to 1; got {scale}.')
        if not 0 < aspect[0] <= aspect[1]:
            raise ValueError(f'aspect is the least and the most width / height; got {aspect}.')
        self.size, self.scale, self.aspect = size, scale, aspect
        self.interpolation = checked_interpolation(interpolation, ('random',))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['image']
        top, left, height, width = self._part(image.height, image.width)
        results['image'] = image.resize(
            (self.size, self.size), drawn_interpolation(self.interpolation), box=(left, top, left + width, top + height)
        )
        return results

    def _part(self, image_height: int, image_width: int) -> tuple[int, int, int, int]:
        """(top, left, height, width)."""
        for _ in range(_TRIES):
            pixels = image_height * image_width * np.random.uniform(*self.scale)
            aspect = math.exp(np.random.uniform(math.log(self.aspect[0]), math.log(self.aspect[1])))
            height, width = round(math.sqrt(pixels / aspect)), round(math.sqrt(pixels * aspect))
            if 0 < height <= image_height and 0 < width <= image_width:
                top, left = np.random.randint(image_height - height + 1), np.random.randint(image_width - width + 1)
                return int(top), int(left), height, width
        height, width = image_height, image_width
        if width / height < self.aspect[0]:
            height = round(width / self.aspect[0])
        elif width / height > self.aspect[1]:
            width = round(height * self.aspect[1])
        return (image_height - height) // 2, (image_width - width) // 2, height, width


@TRANSFORMS.register_module()
class ResizeImage(BaseTransform):
    """Resizes so that the short side has `size` pixels; the long side is rounded down, as torchvision does.

    Args:
        keep_ratio: False: both sides get `size` pixels, as the official Swin tests at 384.
    """

    def __init__(self, *, size: int, keep_ratio: bool = True, interpolation: str = 'bicubic') -> None:
        self.size, self.keep_ratio = size, keep_ratio
        self.interpolation = checked_interpolation(interpolation)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['image']
        short, long = sorted(image.size)
        sides = self.size, int(self.size * long / short) if self.keep_ratio else self.size
        size = sides if image.width <= image.height else sides[::-1]
        results['image'] = image if image.size == size else image.resize(size, INTERPOLATIONS[self.interpolation])
        return results


@TRANSFORMS.register_module()
class CenterCropImage(BaseTransform):
    """Cuts out the middle `size` x `size` pixels; halves are rounded to even, as torchvision does."""

    def __init__(self, *, size: int) -> None:
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['image']
        if min(image.size) < self.size:
            raise ValueError(
                f'an image of {image.height} x {image.width} pixels (height x width) has no crop of {self.size} x '
                f"{self.size}. Put dict(type='swin_dense.ResizeImage', size={self.size}) or more before it."
            )
        top, left = round((image.height - self.size) / 2), round((image.width - self.size) / 2)
        results['image'] = image.crop((left, top, left + self.size, top + self.size))
        return results


@TRANSFORMS.register_module()
class FlipImage(BaseTransform):
    """Mirrors an image, left to right, with probability `prob`."""

    def __init__(self, *, prob: float = 0.5) -> None:
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        if np.random.random_sample() < self.prob:
            results['image'] = results['image'].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return results


@TRANSFORMS.register_module()
class PackImage(BaseTransform):
    """Gives `inputs`, uint8 (3, H, W) RGB, and `data_samples`, a `ClassSample`."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        pixels = np.array(results['image']).transpose(2, 0, 1)
        return {'inputs': torch.from_numpy(np.ascontiguousarray(pixels)), 'data_samples': packed_sample(results)}


def drawn_interpolation(interpolation: str) -> Image.Resampling:
    """'random' is one of the two."""
    if checked_interpolation(interpolation, ('random',)) == 'random':
        interpolation = ('bilinear', 'bicubic')[np.random.randint(2)]
    return INTERPOLATIONS[interpolation]


def checked_interpolation(interpolation: str, more: tuple[str, ...] = ()) -> str:
    """It itself; ValueError if it is none."""
    known = (*INTERPOLATIONS, *more)
    if interpolation not in known:
        raise ValueError(f'interpolation is one of {", ".join(known)}; got {interpolation!r}.')
    return interpolation


def _content(results: dict[str, Any]) -> bytes:
    try:
        if 'slice' in results:
            return read_slice(results['tar'], *results['slice'])
        with open(results['path'], 'rb') as file:
            return file.read()
    except OSError as error:
        reason = 'dangling link' if os.path.islink(results['path']) else error.strerror or str(error)
        raise UnreadableImage(reason) from None


def _said(error: BaseException) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
