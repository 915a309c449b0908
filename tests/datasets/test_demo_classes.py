"""The demo classes: what they are called is what is in the pictures, and nothing but the arrangement tells."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swin_dense.datasets.demo_arrangements import ARRANGEMENTS, SIDE, arrangements
from swin_dense.datasets.demo_classes import ClassRecipe, make_demo_classes
from swin_dense.datasets.demo_drawing import Dice
from swin_dense.datasets.demo_scenes import SHAPE_CLASSES, object_scene

# from the ring to the cross: (right, down)
WAYS = {'right': (1, 0), 'lower_right': (1, 1), 'below': (0, 1), 'lower_left': (-1, 1), 'left': (-1, 0),
        'upper_left': (-1, -1), 'above': (0, -1), 'upper_right': (1, -1)}  # fmt: skip


def centre(image: np.ndarray, is_mark: np.ndarray) -> np.ndarray:
    """(x, y) of the middle of a mark, by its colour."""
    rows, columns = np.nonzero(is_mark)
    return np.array([columns.mean(), rows.mean()])


def marks(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres of the ring, which is orange, and of the cross, which is blue; both are light."""
    red, _, blue = image.astype(int).transpose(2, 0, 1)
    light = image.max(-1) > 160
    return centre(image, light & (red > blue + 90)), centre(image, light & (blue > red + 70))


def test_arrangements_are_what_they_are_called() -> None:
    found = {name: [] for name in ARRANGEMENTS}
    for label, image in arrangements(5, 0, 160):
        ring, cross = marks(image)
        assert np.linalg.norm(cross - ring) > 18
        way = np.array(WAYS[ARRANGEMENTS[label]])
        cosine = (cross - ring) @ way / np.linalg.norm(cross - ring) / np.linalg.norm(way)
        found[ARRANGEMENTS[label]].append(np.degrees(np.arccos(min(cosine, 1))))
    assert max(map(max, found.values())) < 30  # 21 drawn, and pixels
    assert all(len(angles) == 20 for angles in found.values())


def test_colours_do_not_tell() -> None:
    """A linear classifier of colour counts knows no more than chance."""
    histograms, labels = [], []
    for label, image in arrangements(6, 0, 480):
        counts = np.bincount((image // 64 @ np.array([16, 4, 1])).ravel(), minlength=64)
        histograms.append(np.append(counts / counts.sum(), 1))
        labels.append(label)
    train, test = np.array(histograms[:320]), np.array(histograms[320:])
    targets = np.eye(len(ARRANGEMENTS))[labels[:320]]
    solved = np.linalg.solve(train.T @ train + 1e-3 * np.eye(65), train.T @ targets)
    right = np.mean((test @ solved).argmax(1) == np.array(labels[320:]))
    assert right < 0.22  # of 160: chance is 0.125, its deviation 0.026


@pytest.mark.parametrize('shape', SHAPE_CLASSES)
def test_objects_are_one_thing(shape: str) -> None:
    scene = object_scene(Dice(3), shape)
    assert [thing.shape for thing in scene.things] == [shape]
    assert scene.image.shape == (64, 64, 3)
    assert np.array_equal(object_scene(Dice(3), shape).image, scene.image)


def test_files(tmp_path: Path) -> None:
    recipe = ClassRecipe(num_train=11, num_val=5)
    data = make_demo_classes(tmp_path / 'classes', recipe)
    assert data.is_new
    for kind, classes in (('arrangements', ARRANGEMENTS), ('objects', SHAPE_CLASSES)):
        for split, count in (('train', 11), ('val', 5)):
            root = data.directory / kind / split
            assert {path.name for path in root.iterdir()} == set(classes)
            files = sorted(root.rglob('*.jpg'))
            assert len(files) == count
            with Image.open(files[0]) as image:
                assert image.size == (SIDE, SIDE)
    assert not make_demo_classes(tmp_path / 'classes', recipe).is_new
