"""The demo classification data on disk, a folder for each class; the same bytes on every machine.

arrangements/{train,val}/{right,...}/*.jpg      where a cross lies, seen from a ring (demo_arrangements.py)
objects/{train,val}/{ring,...}/*.jpg            one thing of the demo scenes (demo_scenes.py), for pretraining
demo_data.json                                  how it was made, and the digest of all other files
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .demo_arrangements import ARRANGEMENTS, arrangements
from .demo_drawing import Dice
from .demo_folders import DemoData, made_folder
from .demo_scenes import SHAPE_CLASSES, object_scene

VERSION = 1  # of what is drawn: one more with each change of a pixel


@dataclass(frozen=True, kw_only=True)
class ClassRecipe:
    """Numbers of pictures, of arrangements and of objects each."""

    seed: int = 0
    num_train: int = 6000
    num_val: int = 1500


def make_demo_classes(
    directory: str | Path, recipe: ClassRecipe = ClassRecipe(), *, show_progress: bool = False
) -> DemoData:
    """Write both sets into a directory that is new, empty, or holds the same already.

    Raises ValueError if other files are in the way, OSError if it cannot be written.
    """

    def write(root: Path) -> None:
        for split, (name, count) in enumerate((('train', recipe.num_train), ('val', recipe.num_val))):
            for kind, classes, drawn in (
                ('arrangements', ARRANGEMENTS, arrangements(recipe.seed, split, count)),
                ('objects', SHAPE_CLASSES, _objects(recipe.seed, split, count)),
            ):
                shown = tqdm(drawn, f'{name} {kind}', count, unit='picture', disable=not show_progress)
                _write_folders(root / kind / name, classes, shown)

    return made_folder(directory, {**asdict(recipe), 'version': VERSION}, write)


def _objects(seed: int, split: int, count: int) -> Iterator[tuple[int, np.ndarray]]:
    for number in range(count):
        label = number % len(SHAPE_CLASSES)
        yield label, object_scene(Dice(seed, split, number, 4), SHAPE_CLASSES[label]).image


def _write_folders(root: Path, classes: Sequence[str], drawn: Iterator[tuple[int, np.ndarray]]) -> None:
    for name in classes:
        (root / name).mkdir(parents=True)
    for number, (label, pixels) in enumerate(drawn, 1):
        (root / classes[label] / f'{number:06d}.jpg').write_bytes(_jpeg(pixels))


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    # all that could follow a default of the encoder is said; its integer transform is the same on every processor
    Image.fromarray(pixels).save(buffer, 'JPEG', quality=90, subsampling='4:4:4', optimize=False, progressive=False)
    return buffer.getvalue()
