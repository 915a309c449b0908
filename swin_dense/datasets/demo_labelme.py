"""The demo scenes as labelling with labelme leaves them: images and json files side by side, and mistakes."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

# number of the image in the folder -> what is wrong with it
MISTAKES = {
    3: 'a label in another spelling',
    6: 'an image that was turned (by EXIF) after it was labelled',
    7: 'an image that was deleted',
    9: 'a polygon of two points',
    11: 'an image that is there twice',
}


def write_labelme(demo_data: Path, folder: Path) -> int:
    """Write the training scenes of the demo data, with MISTAKES, into a new folder; gives the number of json files.

    An object of several parts has several polygons with one group_id. Crowds are not labelled.

    Raises: ValueError if the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f'Labels need a new folder; {folder} holds other files. Choose another name.')
    detection = demo_data / 'detection'
    content = json.loads((detection / 'annotations' / 'instances_train.json').read_text())
    names = {category['id']: category['name'] for category in content['categories']}
    objects = defaultdict(list)
    for annotation in content['annotations']:
        objects[annotation['image_id']].append(annotation)
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(content['images'], 1):
        shapes = list(_shapes(objects[image['id']], names))
        jpeg = (detection / 'train' / image['file_name']).read_bytes()
        _write(folder, image, shapes, jpeg, MISTAKES.get(number))
    return len(list(folder.glob('*.json')))


def _shapes(annotations: list[dict[str, Any]], names: dict[int, str]) -> Iterator[dict[str, Any]]:
    for group, annotation in enumerate(annotations, 1):
        parts = annotation['segmentation'] if isinstance(annotation['segmentation'], list) else []
        for part in parts:
            yield {
                'label': names[annotation['category_id']],
                'points': [list(map(float, part[place : place + 2])) for place in range(0, len(part), 2)],
                'group_id': group if len(parts) > 1 else None,
                'description': '',
                'shape_type': 'polygon',
                'flags': {},
            }


def _write(folder: Path, image: dict[str, Any], shapes: list[dict[str, Any]], jpeg: bytes, mistake: str | None) -> None:
    name = Path(image['file_name'])
    if mistake == MISTAKES[3] and shapes:
        shapes[0]['label'] = shapes[0]['label'].capitalize()
    if mistake == MISTAKES[9] and shapes:
        shapes[0]['points'] = shapes[0]['points'][:2]
    if mistake == MISTAKES[6]:
        jpeg = _turned(jpeg)
    for stem in [name.stem, f'{name.stem}_copy'] if mistake == MISTAKES[11] else [name.stem]:
        if mistake != MISTAKES[7]:
            (folder / f'{stem}{name.suffix}').write_bytes(jpeg)
        content = {
            'version': '5.4.1',
            'flags': {},
            'shapes': shapes,
            'imagePath': f'{stem}{name.suffix}',
            'imageData': None,
            'imageHeight': image['height'],
            'imageWidth': image['width'],
        }
        (folder / f'{stem}.json').write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


def _turned(jpeg: bytes) -> bytes:
    with Image.open(io.BytesIO(jpeg)) as image:
        exif = image.getexif()
        exif[0x0112] = 6  # Orientation: the row 0 is the right side
        buffer = io.BytesIO()
        image.save(buffer, 'JPEG', quality=90, exif=exif)
    return buffer.getvalue()
