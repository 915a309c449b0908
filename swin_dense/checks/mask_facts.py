"""What is found in a mask file: its form, and how many pixels have each value or colour."""

import io

import numpy as np
from PIL import Image

from swin_dense.checks.scan import Facts
from swin_dense.datasets.image_headers import HEADER_ERRORS
from swin_dense.datasets.mask_colors import palette_colors

KIND = 'mask-3'
MAX_COLORS = 256  # that are kept: no map of colours has more

_FORMS = {
    'L': 'index',
    'P': 'palette',
    '1': '1 bit',
    'I': '16 bits',
    'I;16': '16 bits',
    'I;16B': '16 bits',
    'F': 'floats',
    'LA': 'grey with alpha',
    'RGB': 'RGB',
    'RGBA': 'RGB with alpha',
}
_NUMPY = b'\x93NUMPY'
COLORED = ('RGB', 'RGB with alpha')


def mask_facts(content: bytes) -> Facts:
    """Look into the bytes of a mask.

    Returns: `broken` with why; or `form` (`index`, `palette`, `1 bit`, `16 bits`, `floats`, `grey with alpha`,
        `RGB`, `RGB with alpha`, else Pillow's name of it), `lossy` (JPEG), `height`, `width` as stored. Of whole
        numbers in one channel `values`, {value: pixels}, with `palette`, {value: [red, green, blue]}, where there is
        one. Of several channels `colors`, {'red,green,blue': pixels} of the MAX_COLORS most frequent, `num_colors`,
        `is_grey` (channels are equal) and `transparent`, a number of pixels.
    """
    if content.startswith(_NUMPY):
        return {'broken': 'it is a NumPy array (.npy), and no picture'}
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except (*HEADER_ERRORS, Image.DecompressionBombError) as error:
        return {'broken': str(error) or type(error).__name__}
    facts: Facts = {
        'form': _FORMS.get(image.mode, image.mode),
        'lossy': image.format == 'JPEG',
        'height': image.height,
        'width': image.width,
    }
    if image.mode in ('L', 'P'):
        values = {str(value): count for value, count in enumerate(image.histogram()) if count}
        if image.mode == 'P':
            colors = palette_colors(image.getpalette(), [int(value) for value in values]) or {}
            facts['palette'] = {str(value): list(color) for value, color in colors.items()}
        return {**facts, 'values': values}
    pixels = np.asarray(image)
    if pixels.dtype.kind == 'f':
        return facts
    if pixels.ndim == 2:
        values, numbers = np.unique(pixels, return_counts=True)
        return {**facts, 'values': {str(int(v)): int(n) for v, n in zip(values, numbers, strict=True)}}
    return {**facts, **_color_facts(pixels)}


def _color_facts(pixels: np.ndarray) -> Facts:
    """Of (H, W, 2 to 4), the last of 2 and of 4 being alpha."""
    num_colors = 1 if pixels.shape[2] == 2 else 3
    red, green, blue = (pixels[..., min(channel, num_colors - 1)].astype(np.uint32) for channel in range(3))
    keys, counts = np.unique(red << 16 | green << 8 | blue, return_counts=True)
    most = np.argsort(-counts, kind='stable')[:MAX_COLORS]
    return {
        'colors': {f'{keys[i] >> 16},{keys[i] >> 8 & 255},{keys[i] & 255}': int(counts[i]) for i in most},
        'num_colors': len(keys),
        'is_grey': bool((red == green).all() and (green == blue).all()),
        'transparent': int((pixels[..., -1] < 255).sum()) if pixels.shape[2] in (2, 4) else 0,
    }
