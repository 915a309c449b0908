"""Forms of mask files that are no class numbers in one channel of 8 bits, refused with the path and what is there."""

import numpy as np
from PIL import Image

from swin_dense.engine.errors import DataError

_SHOWN = 5
_TIFF = (b'II*\0', b'MM\0*')


def refuse_channels(mask: np.ndarray, *, path: str) -> None:
    """Raise DataError for a mask of several channels, with its colours."""
    channels = mask.shape[2]
    kind = {2: 'grey with alpha', 3: 'RGB', 4: 'RGB with alpha'}.get(channels, f'{channels} channels')
    if channels < 3 or bool((mask[..., 0] == mask[..., 1]).all() and (mask[..., 1] == mask[..., 2]).all()):
        values = ', '.join(map(str, np.unique(mask[..., 0])[: _SHOWN + 1]))
        raise DataError(
            f'{path}: the mask is {kind} of shape {mask.shape}, and a mask has one channel. Its first channel has the '
            f'values {values}: keep that one alone, `Image.open(path).getchannel(0).save(path)`.'
        )
    colors, counts = np.unique(packed_colors(mask), return_counts=True)
    most = colors[np.argsort(-counts, kind='stable')[:_SHOWN]]
    shown = ', '.join(f'({key >> 16}, {key >> 8 & 255}, {key & 255})' for key in most)
    shown += ', ...' if len(colors) > _SHOWN else ''
    raise DataError(
        f'{path}: the mask is {kind} of shape {mask.shape} with {len(colors):,} colours ({shown}), and a mask has one '
        'channel of class numbers. Say which colour is which class: '
        "type='swin_dense.SegmentationDataset', mask_colors=dict(NAME=(r, g, b), ...) in the data set of the config."
    )


def refuse_wide_values(path: str) -> None:
    """Raise DataError for a mask of 16 bits with values over 255, or of floats: mmseg makes 8 bits of both."""
    try:
        with open(path, 'rb') as file:
            head = file.read(25)
        if not (head.startswith(_TIFF) or (head.startswith(b'\x89PNG') and head[24] == 16)):
            return
        with Image.open(path) as image:
            values = np.asarray(image)
    except OSError:  # of a backend that is not this machine's files
        return
    if values.dtype.kind == 'f':
        raise DataError(
            f'{path}: the mask has numbers with fractions (floats), and a class is a whole number. Save class numbers, '
            '0 to 255, in 8 bits: Image.fromarray(values.astype(np.uint8)).save(path).'
        )
    if values.ndim == 2 and values.max(initial=0) > 255:
        wide = np.unique(values[values > 255])
        shown = ', '.join(map(str, wide[:_SHOWN])) + (', ...' if len(wide) > _SHOWN else '')
        ignored = ' Where 65535 means "no class": mask[mask == 65535] = 255.' if wide[-1] == 65535 else ''
        raise DataError(
            f'{path}: the mask has 16 bits and values over 255 ({shown}), of which mmseg reads the lower 8 bits. '
            f'Save class numbers, 0 to 255, in 8 bits.{ignored}'
        )


def packed_colors(mask_BGR: np.ndarray) -> np.ndarray:
    """Colours as numbers, red << 16 | green << 8 | blue: (H, W, C) -> (H, W)."""
    blue, green, red = (mask_BGR[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue
