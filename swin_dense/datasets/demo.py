"""The demo data on disk: a COCO tree and an ADE20K tree of the same scenes, the same bytes on every machine.

detection/annotations/instances_{train,val}.json        boxes, polygons, areas, crowds as run lengths
detection/{train,val}/*.jpg
segmentation/images/{training,validation}/*.jpg         the same pictures
segmentation/annotations/{training,validation}/*.png    0 = other, labels from 1 in the order of SEMANTIC_CLASSES
demo_data.json                                          how it was made, and the digest of all other files
"""

import io
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from .demo_annotations import bounding_box, polygons, run_lengths
from .demo_folders import DemoData, made_folder
from .demo_scenes import SHAPE_CLASSES, Scene, scenes

# Of the data with the default recipe. It changes with anything in demo_*.py that changes a byte, and with nothing else.
REFERENCE_DIGEST = '45b7f3227cb9741947259bc42b65f511449cff216f049158bf8451f845aab2ec'

# COCO's ids have gaps too: whoever takes a label for an id finds out here, not on COCO
CATEGORY_IDS = dict(zip(SHAPE_CLASSES, (1, 2, 4, 5, 8), strict=True))


@dataclass(frozen=True, kw_only=True)
class DemoRecipe:
    seed: int = 0
    num_train: int = 480  # images
    num_val: int = 96


def make_demo_data(
    directory: str | Path, recipe: DemoRecipe = DemoRecipe(), *, show_progress: bool = False
) -> DemoData:
    """Write the demo data into a directory that is new, empty, or holds the same data already.

    The directory appears when all is written: nothing half done is left behind.
    Raises ValueError if other files are in the way, OSError if it cannot be written.
    """
    # the reference digest stands for the version of the drawing code
    record = asdict(recipe) | {'version': REFERENCE_DIGEST}
    return made_folder(directory, record, lambda root: _write(root, recipe, show_progress))


def _write(root: Path, recipe: DemoRecipe, show_progress: bool) -> None:
    first_id = 1  # ids and file names are unique over both splits
    for split, (name, ade_name, count) in enumerate(
        (('train', 'training', recipe.num_train), ('val', 'validation', recipe.num_val))
    ):
        drawn = tqdm(scenes(recipe.seed, split, count), name, count, unit='image', disable=not show_progress)
        _write_split(root, name, ade_name, first_id, drawn)
        first_id += count


def _write_split(root: Path, name: str, ade_name: str, first_id: int, drawn: Iterable[Scene]) -> None:
    pictures, photos = root / 'detection' / name, root / 'segmentation' / 'images' / ade_name
    masks, lists = root / 'segmentation' / 'annotations' / ade_name, root / 'detection' / 'annotations'
    for folder in (pictures, photos, masks, lists):
        folder.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, scene in enumerate(drawn, first_id):
        stem = f'{image_id:06d}'
        jpeg = _jpeg(scene)
        (pictures / f'{stem}.jpg').write_bytes(jpeg)
        (photos / f'{stem}.jpg').write_bytes(jpeg)
        (masks / f'{stem}.png').write_bytes(_png(scene))
        height, width = scene.labels.shape
        images.append({'id': image_id, 'file_name': f'{stem}.jpg', 'height': height, 'width': width})
        annotations += _annotate(scene, image_id)
    categories = [{'id': CATEGORY_IDS[shape], 'name': shape, 'supercategory': 'shape'} for shape in SHAPE_CLASSES]
    info = {'description': 'Toy scenes for trying out detectors and segmentors', 'version': '1'}
    coco = {'info': info, 'licenses': [], 'images': images, 'annotations': annotations, 'categories': categories}
    (lists / f'instances_{name}.json').write_text(json.dumps(coco, separators=(',', ':')), encoding='utf-8')


def _annotate(scene: Scene, image_id: int) -> list[dict[str, Any]]:
    return [
        {
            'id': image_id * 100 + position,
            'image_id': image_id,
            'category_id': CATEGORY_IDS[thing.shape],
            'bbox': bounding_box(thing.mask),
            'area': int(thing.mask.sum()),
            'segmentation': run_lengths(thing.mask) if thing.is_crowd else polygons(thing.mask),
            'iscrowd': int(thing.is_crowd),
        }
        for position, thing in enumerate(scene.things, 1)
    ]


def _jpeg(scene: Scene) -> bytes:
    buffer = io.BytesIO()
    # all that could follow a default of the encoder is said; its integer transform is the same on every processor
    Image.fromarray(scene.image).save(
        buffer, 'JPEG', quality=90, subsampling='4:2:0', optimize=False, progressive=False
    )
    return buffer.getvalue()


def _png(scene: Scene) -> bytes:
    buffer = io.BytesIO()
    # run lengths only: other strategies search for matches, and zlib and zlib-ng find different ones
    Image.fromarray(scene.labels).save(buffer, 'PNG', compress_level=9, compress_type=zlib.Z_RLE)
    return buffer.getvalue()
