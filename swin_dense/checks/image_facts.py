"""What is found in an image file: whether it gives a picture, and of which size."""

from collections.abc import Mapping
from typing import Any

from swin_dense.checks.scan import Facts
from swin_dense.datasets.image_headers import SIDEWAYS, UnreadableImage, check_whole, format_of, read_header
from swin_dense.inference.decoding import decode_image

# mmcv turns pictures by their EXIF orientation, but OpenCV finds none in these
_NEVER_TURNED = ('WebP', 'AVIF', 'JPEG 2000')
_NEVER_TURN = ('turbojpeg', 'tifffile')  # of the backends that mmcv decodes with


def header_facts(content: bytes) -> Facts:
    """`kind`, `height`, `width` as stored, EXIF `orientation`; or `broken` with why. Decodes nothing."""
    try:
        kind = format_of(content)
        header = read_header(content, kind)
        check_whole(content, kind)
    except UnreadableImage as error:
        return {'broken': str(error)}
    return {'kind': kind, 'height': header.height, 'width': header.width, 'orientation': header.orientation}


def pixel_facts(content: bytes) -> Facts:
    """The same of an image that could be decoded to its last pixel."""
    try:
        decode_image(content)
    except UnreadableImage as error:
        return {'broken': str(error)}
    return header_facts(content)


def is_turned(facts: Facts) -> bool:
    """Whether height and width change places when the image is loaded."""
    return facts['orientation'] in SIDEWAYS and facts['kind'] not in _NEVER_TURNED


def turns_by_exif(pipeline: Any) -> bool:
    """Whether the step of a pipeline that loads images turns them upright: with mmcv's defaults it does."""
    for step in pipeline if isinstance(pipeline, (list, tuple)) else ():
        if isinstance(step, Mapping) and str(step.get('type')).rsplit('.', 1)[-1] == 'LoadImageFromFile':
            backend = step.get('imdecode_backend')
            return step.get('color_type', 'color') in ('color', 'grayscale') and backend not in _NEVER_TURN
    return True


def seen_size(facts: Facts, turns: bool) -> tuple[int, int]:
    """Height and width of the image as a pipeline loads it that turns images by their EXIF data, or does not."""
    height, width = facts['height'], facts['width']
    return (width, height) if turns and is_turned(facts) else (height, width)
