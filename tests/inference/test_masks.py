"""Cropped masks and their run lengths, against pycocotools and mmdet on whole masks."""

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from pycocotools import mask as run_lengths

from swin_dense.inference.masks import RegionMask, cropped, encoded, full, mirrored
from swin_dense.inference.results import CroppedMask

SIZE = (23, 31)
pytestmark = pytest.mark.filterwarnings('ignore:__array__:DeprecationWarning')  # of pycocotools


def _masks() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    masks = [np.zeros(SIZE, bool), np.ones(SIZE, bool)]
    for density in (0.02, 0.3, 0.9):
        masks.append(random.random(SIZE) < density)
    for rows, columns in (
        (slice(0, 23), slice(4, 9)),  # full columns: one run goes on over several of them
        (slice(0, 5), slice(0, 31)),
        (slice(18, 23), slice(26, 31)),  # the last pixel
        (slice(0, 1), slice(0, 1)),
    ):
        mask = np.zeros(SIZE, bool)
        mask[rows, columns] = True
        masks.append(mask)
    mask = np.zeros(SIZE, bool)
    mask[10:, 3], mask[:7, 4] = True, True  # a run that goes on in the next column
    return [*masks, mask]


@pytest.mark.parametrize('mask', _masks())
def test_run_lengths_are_those_of_pycocotools(mask: np.ndarray) -> None:
    expected = run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))
    for each in (cropped(mask), CroppedMask(0, 0, mask)):
        code = encoded(each, SIZE)
        assert code == {'size': list(SIZE), 'counts': expected['counts'].decode()}
        assert np.array_equal(run_lengths.decode(code), mask)


@pytest.mark.parametrize('mask', _masks())
def test_crops_hold_the_mask_and_no_more(mask: np.ndarray) -> None:
    found = cropped(mask)
    assert np.array_equal(full(found, SIZE), mask)
    if mask.any():
        for edge in (found.pixels[0], found.pixels[-1], found.pixels[:, 0], found.pixels[:, -1]):
            assert edge.any()


@pytest.mark.parametrize(('direction', 'axes'), [('horizontal', 1), ('vertical', 0), ('diagonal', (0, 1))])
def test_mirrored(direction: str, axes: object) -> None:
    for mask in _masks():
        assert np.array_equal(full(mirrored(cropped(mask), SIZE, direction), SIZE), np.flip(mask, axes))


@pytest.mark.parametrize('box', [(3.2, 4.1, 20.7, 15.9), (-5.0, -3.0, 12.0, 9.0), (25.0, 18.0, 40.0, 30.0)])
def test_pasted_as_mmdet_pastes_whole_images(box: tuple) -> None:
    probabilities = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
    values, _ = _do_paste_mask(probabilities[None, None], torch.tensor([box]), *SIZE, skip_empty=False)
    found = RegionMask(probabilities, torch.tensor(box), 0.5).pasted(SIZE)
    assert np.array_equal(full(found, SIZE), (values[0] >= 0.5).numpy())


def test_moved_masks_lie_elsewhere() -> None:
    mask = RegionMask(torch.ones(28, 28), torch.tensor([2.0, 3.0, 9.0, 8.0]), 0.5)
    still, moved = full(mask.pasted((40, 40)), (40, 40)), full(mask.moved(10, 20).pasted((40, 40)), (40, 40))
    assert still.any()
    assert np.array_equal(np.roll(still, (10, 20), (0, 1)), moved)


def test_a_box_without_area_has_no_mask() -> None:
    """mmdet fills the whole image on GPUs."""
    found = RegionMask(torch.ones(28, 28), torch.tensor([5.0, 6.0, 5.0, 9.0]), 0.5).pasted(SIZE)
    assert not full(found, SIZE).any()
