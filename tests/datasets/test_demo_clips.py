"""The demo clips: their class is the motion alone; files as they are said to be."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from swin_dense.datasets.demo_clips import ClipRecipe, make_demo_clips
from swin_dense.datasets.demo_motion import FRAMES, MOTION_CLASSES, SIDE, action_clips, still_or_moving
from swin_dense.video.frame_sources import open_frames

pytest.importorskip('av')
SMALL = ClipRecipe(num_train=7, num_val=6, num_train_masked=2, num_val_masked=1)


@pytest.fixture(scope='module')
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_clips(tmp_path_factory.mktemp('demo') / 'clips', SMALL).directory


def test_every_clip_is_there_backwards() -> None:
    made = list(action_clips(0, 0, 12))
    assert [label for label, _ in made] == [0, 1, 2, 3, 4, 5] * 2
    for (_, forwards), (_, backwards) in zip(made[::2], made[1::2], strict=True):
        assert len(forwards) == FRAMES
        assert np.array_equal(forwards, backwards[::-1])
    assert not np.array_equal(made[0][1], made[6][1])


def test_motions_are_what_they_are_called() -> None:
    """On a torus: the shift that brings a frame nearest to the next."""
    for label, frames in action_clips(0, 0, 12):
        if MOTION_CLASSES[label].startswith('turns'):
            continue
        before, after = (frame.astype(float).mean(-1) for frame in frames[4:6])
        steps = [(y, x) for y in range(-3, 4) for x in range(-3, 4)]
        misses = [np.abs(np.roll(before, step, (0, 1)) - after).mean() for step in steps]
        y, x = steps[int(np.argmin(misses))]
        found = {'moves right': x > 0 == y, 'moves left': x < 0 == y, 'moves down': y > 0 == x, 'moves up': y < 0 == x}
        name = MOTION_CLASSES[label]
        assert found[name], (name, y, x)


def test_places_are_equally_likely() -> None:
    """In the first frame and in the last, whatever the motion: no place tells where a shape comes from."""
    first, last = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for _, frames in action_clips(3, 0, 240):
        lights = [frame.mean(-1) > 125 for frame in (frames[0], frames[-1])]
        first, last = first + lights[0], last + lights[1]
    for light in (first, last):
        halves = [light[:, :32].sum(), light[:, 32:].sum(), light[:32].sum(), light[32:].sum()]
        assert min(halves) > 0.8 * max(halves)


def test_masks_tell_still_from_moving() -> None:
    for frames, masks in still_or_moving(0, 0, 6):
        assert len(frames) == len(masks) == FRAMES
        assert {1, 2} <= set(np.unique(masks))
        moving = np.stack(masks) == 2
        still = np.stack(masks) == 1
        changed = (moving[1:] != moving[:-1]).sum()
        assert changed > 100
        # what lies still only changes where something moves over it
        assert not (still[1:] & ~still[:-1] & ~moving[:-1]).any()
        for frame, mask in zip(frames, masks, strict=True):
            ground = frame[mask == 0]
            assert np.median(ground, axis=0).max() <= 80


def test_files(clips: Path) -> None:
    for split, count in (('train', 7), ('val', 6)):
        lines = [line.split() for line in (clips / 'actions' / f'{split}.txt').read_text().splitlines()]
        assert [int(label) for _, label in lines] == [number % 6 for number in range(count)]
        for (path, _), (_, frames) in zip(lines, action_clips(0, split == 'val', count), strict=True):
            with open_frames(str(clips / 'actions' / 'videos' / path)) as source:
                found = np.stack(source.read(range(source.num_frames)))
            assert found.shape == (FRAMES, SIDE, SIDE, 3)
            assert np.abs(found.astype(int) - np.stack(frames)).mean() < 2
    assert tuple((clips / 'actions' / 'classes.txt').read_text().splitlines()) == MOTION_CLASSES
    assert (clips / 'segmentation' / 'train.txt').read_text().split() == ['0001', '0002']
    assert (clips / 'segmentation' / 'val.txt').read_text().split() == ['0003']
    ((_, masks),) = still_or_moving(0, 1, 1)
    for number, mask in enumerate(masks):
        written = cv2.imread(str(clips / f'segmentation/data/0003/mask/{number:08d}.png'), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(written, mask)


def test_same_again(clips: Path, tmp_path: Path) -> None:
    assert not make_demo_clips(clips, SMALL).is_new
    again = make_demo_clips(tmp_path / 'clips', SMALL)
    assert again.is_new
    assert again.digest == make_demo_clips(clips, SMALL).digest
    with pytest.raises(ValueError, match='holds other demo data'):
        make_demo_clips(clips, ClipRecipe(seed=1))
