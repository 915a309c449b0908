"""Geometric operations of RandAugment on PIL images: what comes in from outside is of one colour."""

from dataclasses import dataclass
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Geometry:
    """Attributes:

    fill: RGB colour of what was outside.
    resampling: of Pillow.
    """

    fill: tuple[int, int, int]
    resampling: Image.Resampling

    def rotated(self, image: Image.Image, degrees: float) -> Image.Image:
        """Counterclockwise."""
        return image.rotate(degrees, self.resampling, fillcolor=self.fill)

    def sheared(self, image: Image.Image, *, along_x: float = 0, along_y: float = 0) -> Any:
        """Columns move by `along_x` pixels a row, rows by `along_y` a column."""
        return self._affine(image, (1, along_x, 0, along_y, 1, 0))

    def translated(self, image: Image.Image, *, x: float = 0, y: float = 0) -> Any:
        """To the left by `x`, up by `y` pixels."""
        return self._affine(image, (1, 0, x, 0, 1, y))

    def _affine(self, image: Image.Image, matrix: tuple[float, ...]) -> Any:
        return image.transform(image.size, Image.Transform.AFFINE, matrix, self.resampling, fillcolor=self.fill)
