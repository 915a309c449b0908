"""The demo data on disk: a COCO tree and an ADE20K tree of the same scenes, the same bytes on every machine.

detection/annotations/instances_{train,val}.json        boxes, polygons, areas, crowds as run lengths
detection/{train,val}/*.jpg
segmentation/images/{training,validation}/*.jpg         the same pictures
segmentation/annotations/{training,validation}/*.png    0 = other, labels from 1 in the order of SEMANTIC_CLASSES
demo_data.json                                          how it was made, and the digest of all other files
"""

import hashlib
import io
import json
import os
import shutil
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from .demo_annotations import bounding_box, polygons, run_lengths
from .demo_scenes import SHAPE_CLASSES, Scene, scenes

# Of the data with the default recipe. It changes with anything in demo_*.py that changes a byte, and with nothing else.
REFERENCE_DIGEST = '45b7f3227cb9741947259bc42b65f511449cff216f049158bf8451f845aab2ec'
RECORD = 'demo_data.json'

# COCO's ids have gaps too: whoever takes a label for an id finds out here, not on COCO
CATEGORY_IDS = dict(zip(SHAPE_CLASSES, (1, 2, 4, 5, 8), strict=True))


@dataclass(frozen=True, kw_only=True)
class DemoRecipe:
    seed: int = 0
    num_train: int = 480  # images
    num_val: int = 96


@dataclass(frozen=True)
class DemoData:
    directory: Path
    digest: str
    is_new: bool  # False if it lay there already


def make_demo_data(
    directory: str | Path, recipe: DemoRecipe = DemoRecipe(), *, show_progress: bool = False
) -> DemoData:
    """Write the demo data into a directory that is new, empty, or holds the same data already.

    The directory appears when all is written: nothing half done is left behind.
    Raises ValueError if other files are in the way, OSError if it cannot be written.
    """
    directory = Path(directory).resolve()
    if directory.is_dir() and any(directory.iterdir()):
        return _existing(directory, recipe)
    if directory.exists() and not directory.is_dir():
        raise ValueError(f'The demo data needs a directory; {directory} is a file. Choose another name.')
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.parent / f'.{directory.name}.{os.getpid()}'
    try:
        draft.mkdir()
        _write(draft, recipe, show_progress)
        digest = tree_digest(draft)
        record = _record(recipe) | {'digest': digest}
        (draft / RECORD).write_text(json.dumps(record, indent=2) + '\n', encoding='utf-8')
        draft.replace(directory)  # also where an empty directory was
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return DemoData(directory, digest, is_new=True)


def tree_digest(directory: Path) -> str:
    """Return the SHA-256 of the names and contents of all files below a directory but its record."""
    paths = {path.relative_to(directory).as_posix(): path for path in directory.rglob('*') if path.is_file()}
    paths.pop(RECORD, None)
    lines = [f'{hashlib.sha256(paths[name].read_bytes()).hexdigest()}  {name}\n' for name in sorted(paths)]
    return hashlib.sha256(''.join(lines).encode()).hexdigest()


def _record(recipe: DemoRecipe) -> dict[str, Any]:
    # the reference digest stands for the version of the drawing code
    return asdict(recipe) | {'version': REFERENCE_DIGEST}


def _existing(directory: Path, recipe: DemoRecipe) -> DemoData:
    path = directory / RECORD
    remedy = 'Remove it or choose another directory.'
    if not path.is_file():
        raise ValueError(f'The demo data needs a directory of its own; {directory} holds other files. {remedy}')
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        digest = record.pop('digest')
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path} is not a record of demo data ({error!r}). {remedy}') from error
    if record != _record(recipe):
        raise ValueError(f'{directory} holds other demo data: {record} where {_record(recipe)} was asked for. {remedy}')
    if tree_digest(directory) != digest:
        raise ValueError(f'The demo data in {directory} was changed since it was written. {remedy}')
    return DemoData(directory, digest, is_new=False)


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
