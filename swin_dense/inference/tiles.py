"""Windows over an image that is too large for one."""

from dataclasses import dataclass

from swin_dense.layers.windows import Size


@dataclass(frozen=True)
class Tile:
    """Rows `top` to `bottom`, columns `left` to `right` of an image, the ends excluded."""

    top: int
    left: int
    bottom: int
    right: int


def tile_grid(size: Size, tile_size: Size, stride: Size) -> list[Tile]:
    """Tiles from the top left, row by row; the last ones of a row or column are moved back to end with the image.

    The windows of mmseg's `slide_inference`. An image that is smaller than a tile is one tile of its own size.
    """
    tops, lefts = (_starts(*each) for each in zip(size, tile_size, stride, strict=True))
    height, width = (min(*each) for each in zip(size, tile_size, strict=True))
    return [Tile(top, left, top + height, left + width) for top in tops for left in lefts]


def _starts(length: int, tile: int, stride: int) -> list[int]:
    count = max(length - tile + stride - 1, 0) // stride + 1
    return [max(min(number * stride, length - tile), 0) for number in range(count)]
