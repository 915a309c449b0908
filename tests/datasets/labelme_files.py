"""Folders as labelme writes them, of versions 3 to 6."""

import base64
import io
import json

import numpy as np
from PIL import Image


def picture(height, width, *, kind='JPEG', seed=0, orientation=None):
    """Bytes of an image file."""
    values = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    image = Image.fromarray(values).resize((width, height))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


def shape(label, points, kind='polygon', **more):
    return {'label': label, 'points': points, 'group_id': None, 'shape_type': kind, 'flags': {}, **more}


def mask_shape(label, mask, left, top):
    """As labelme 5 writes it: a PNG of ones between two corners, both inside."""
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8)).save(buffer, 'PNG')
    height, width = mask.shape
    corners = [[left, top], [left + width - 1, top + height - 1]]
    return shape(label, corners, 'mask', mask=base64.b64encode(buffer.getvalue()).decode())


def write(folder, name, shapes, *, size=(60, 80), image=True, inside=False, version='5.4.1', **more):
    """FOLDER/NAME.json and, beside it or inside, its image."""
    path = folder / f'{name}.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    content = picture(*size, seed=len(name) + sum(map(ord, name)))
    if image and not inside:
        path.with_suffix('.jpg').write_bytes(content)
    values = {
        'version': version, 'flags': {}, 'shapes': shapes, 'imagePath': f'{path.stem}.jpg',
        'imageData': base64.b64encode(content).decode() if inside else None,
        'imageHeight': size[0], 'imageWidth': size[1], **more,
    }  # fmt: skip
    path.write_text(json.dumps(values))
    return path
