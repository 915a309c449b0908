"""Confusion data against mmseg's IoUMetric: of the sample, and of multisets of its images."""

import numpy as np
import pytest
import torch

from swin_dense.comparison.segmentation_scores import segmentation_scores
from swin_dense.evaluation.confusion import (
    confusion_data,
    image_confusion,
    load_confusion_data,
    save_confusion_data,
)

pytestmark = pytest.mark.filterwarnings('ignore')

CLASSES = 7


def drawn_maps(seed, num_images=8):
    """Pairs of prediction and truth; class 5 is nowhere, 6 only predicted, 255 ignored, 99 no class and not ignored."""
    random = np.random.default_rng(seed)
    maps = []
    for number in range(num_images):
        shape = (11 + number, 17)
        truth = random.choice([0, 1, 2, 3, 4, 255, 99], shape, p=[0.4, 0.2, 0.1, 0.1, 0.05, 0.1, 0.05])
        prediction = np.where(random.random(shape) < 0.6, truth, random.choice([0, 1, 2, 3, 4, 6, 200], shape))
        maps.append((prediction, truth))
    return maps


def data_of(maps):
    cells = [image_confusion(prediction, truth, num_classes=CLASSES, ignore_index=255) for prediction, truth in maps]
    return confusion_data([(f'{i}.png', part) for i, part in enumerate(cells)], CLASSES)


def of_mmseg(maps):
    from mmseg.evaluation import IoUMetric

    areas = [IoUMetric.intersect_and_union(*map(torch.as_tensor, pair), CLASSES, 255) for pair in maps]
    totals = [sum(part) for part in zip(*areas, strict=True)]
    return IoUMetric.total_area_to_metrics(*totals, ['mIoU'])


def assert_equal(scores, row, expected):
    np.testing.assert_allclose(scores['IoU_by_class'][row], expected['IoU'], rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores['Acc_by_class'][row], expected['Acc'], rtol=0, atol=1e-6)
    for name, value in (('mIoU', expected['IoU']), ('mAcc', expected['Acc']), ('aAcc', expected['aAcc'])):
        np.testing.assert_allclose(scores[name][row], np.nanmean(value), rtol=0, atol=1e-6)


def test_equals_mmseg():
    maps = drawn_maps(0)
    scores = segmentation_scores(data_of(maps), np.ones((1, len(maps))))
    assert np.isnan(scores['IoU_by_class'][0, 5])
    assert scores['IoU_by_class'][0, 6] == 0
    assert np.isnan(scores['Acc_by_class'][0, 6])
    assert_equal(scores, 0, of_mmseg(maps))


def test_multisets_equal_repeated_images():
    maps = drawn_maps(1)
    counts = np.random.default_rng(0).poisson(1.0, (5, len(maps)))
    scores = segmentation_scores(data_of(maps), counts)
    for row, count in enumerate(counts):
        repeated = [pair for pair, times in zip(maps, count, strict=True) for _ in range(times)]
        assert_equal(scores, row, of_mmseg(repeated))


def test_an_image_of_ignored_pixels_alone_changes_nothing():
    maps = drawn_maps(2)
    blank = np.full((9, 9), 255)
    scores = segmentation_scores(data_of([*maps, (np.zeros_like(blank), blank)]), np.ones((1, len(maps) + 1)))
    assert_equal(scores, 0, of_mmseg(maps))
    alone = segmentation_scores(data_of([(np.zeros_like(blank), blank)]), np.ones((1, 1)))
    assert np.isnan(alone['mIoU'][0])
    assert np.isnan(alone['aAcc'][0])


def test_counts_above_float32_are_exact():
    many = confusion_data([('a', np.array([[0, 0], [0, 1], [2**24, 1]])), ('b', np.array([[0], [0], [1]]))], 2)
    value = segmentation_scores(many, np.ones((1, 2)))['aAcc'][0]
    assert value == (2**24 + 1) / (2**24 + 2)


def test_other_shapes_and_weights_are_refused():
    with pytest.raises(ValueError, match=r'\(3, 4\) cannot be compared with a truth of \(4, 3\)'):
        image_confusion(np.zeros((3, 4)), np.zeros((4, 3)), num_classes=2, ignore_index=255)
    with pytest.raises(ValueError, match='8 images'):
        segmentation_scores(data_of(drawn_maps(0)), np.ones(8))


def test_file_gives_back_what_was_saved(tmp_path):
    data = data_of(drawn_maps(3))
    save_confusion_data(data, tmp_path / 'confusion.npz')
    loaded = load_confusion_data(tmp_path / 'confusion.npz')
    for name, value in vars(data).items():
        np.testing.assert_array_equal(getattr(loaded, name), value)
        assert np.asarray(getattr(loaded, name)).dtype == np.asarray(value).dtype, name
    (tmp_path / 'text.npz').write_text('no arrays')
    with pytest.raises(ValueError, match='does not hold confusion data'):
        load_confusion_data(tmp_path / 'text.npz')
