"""Scores of single images against counting by hand, and which images are chosen of models that disagree."""

from collections import Counter

import numpy as np
import pytest

from swin_dense.comparison.image_choice import chosen_images
from swin_dense.comparison.image_scores import detection_scores, segmentation_image_scores
from swin_dense.evaluation.confusion import confusion_data, image_confusion
from swin_dense.evaluation.match_data import MatchData


def match_data(detections, objects, *, num_images):
    """Of rows (image, class, score, matched, ignored) at IoU 0.5, and rows (image, class, count)."""
    rows = sorted(detections, key=lambda row: (row[0], row[1], -row[2]))
    flags = np.array([row[3:] for row in rows], bool).reshape(-1, 2)
    # at the other size and threshold all is the other way round: neither may be looked at
    matched, ignored = (np.stack([np.stack([~flag, flag], -1), ~np.stack([flag, flag], -1)], 1) for flag in flags.T)
    return MatchData(
        kind='bbox',
        image_ids=np.arange(num_images) + 100,
        class_ids=np.array([1, 2]),
        iou_thresholds=np.array([0.75, 0.5]),
        area_names=('all', 'small'),
        images=np.array([row[0] for row in rows], np.int32),
        classes=np.array([row[1] for row in rows], np.int32),
        scores=np.array([row[2] for row in rows], np.float64),
        matched=matched,
        ignored=ignored,
        truth_images=np.array([row[0] for row in objects], np.int32),
        truth_classes=np.array([row[1] for row in objects], np.int32),
        truth_counts=np.array([(row[2], 77) for row in objects], np.int32).reshape(-1, 2),
    )


def test_detections_by_hand():
    data = match_data(
        [
            (0, 0, 0.9, True, False), (0, 0, 0.8, True, False), (0, 1, 0.7, False, False),
            (1, 0, 0.6, True, False), (1, 0, 0.95, False, True), (1, 1, 0.2, False, False),
            (2, 0, 0.1, False, False),
        ],
        [(0, 0, 2), (1, 0, 1), (1, 1, 1)],
        num_images=4,
    )  # fmt: skip
    found = detection_scores(data)
    # after 0.6: 3 found, 1 false, 1 missed: 6 / 8 is more than 2 / 3 after two, and than 6 / 9 after the next
    assert found.threshold == pytest.approx((0.6 + 0.2) / 2)
    assert found.found.tolist() == [2, 1, 0, 0]
    assert found.false.tolist() == [1, 0, 0, 0]
    assert found.objects.tolist() == [2, 2, 0, 0]
    assert found.scores.tolist() == pytest.approx([4 / 5, 2 / 3, 1, 1])


def test_the_threshold_is_the_best_of_all():
    random = np.random.default_rng(3)
    for number in range(30):
        detections = [
            (int(random.integers(6)), int(random.integers(2)), float(random.integers(1, 9)) / 10, *flags)
            for flags in random.random((25, 2)) < (0.5, 0.2)
        ]
        objects = [(image, 0, int(random.integers(0, 5))) for image in range(6)]
        found = detection_scores(match_data(detections, objects, num_images=6))
        total = sum(count for *_, count in objects)
        best = {}
        for threshold in sorted({row[2] for row in detections}):
            kept = [row for row in detections if row[2] >= threshold and not row[4]]
            right = sum(row[3] for row in kept)
            best[threshold] = 2 * right / (len(kept) + total) if kept else 0
        at = min(threshold for threshold in best if threshold >= found.threshold)
        assert best[at] == pytest.approx(max(best.values())), number
        kept = [row for row in detections if row[2] >= found.threshold and not row[4]]
        assert found.found.sum() == sum(row[3] for row in kept)
        assert found.false.sum() == sum(not row[3] for row in kept)


def test_nothing_detected():
    found = detection_scores(match_data([], [(1, 0, 3)], num_images=2))
    assert found.scores.tolist() == [1, 0]
    assert found.threshold == 1


def test_segmentation_against_loops():
    random = np.random.default_rng(4)
    pairs = [(random.integers(-1, 5, (13, 9)), random.integers(0, 4, (13, 9))) for _ in range(5)]
    truths = [np.where(truth == 4, 255, truth) for _, truth in pairs]
    truths[3][truths[3] == 2] = 0  # a class that is predicted there, and is not there
    truths[4][:] = 255
    pairs = [(prediction, truth) for (prediction, _), truth in zip(pairs, truths, strict=True)]
    data = confusion_data(
        [
            (f'{number}.png', image_confusion(*pair, num_classes=4, ignore_index=255))
            for number, pair in enumerate(pairs)
        ],
        4,
    )
    found = segmentation_image_scores(data)
    for number, (prediction, truth) in enumerate(pairs):
        counted = truth != 255
        ious = []
        for label in range(4):
            true, said = (truth == label) & counted, (prediction == label) & counted
            iou = (true & said).sum() / (true | said).sum() if (true | said).any() else np.nan
            assert found.by_class[number, label] == pytest.approx(iou, nan_ok=True)
            if true.any():
                ious.append(iou)
        assert found.scores[number] == pytest.approx(np.mean(ious) if ious else np.nan, nan_ok=True)
    assert np.isfinite(found.by_class[3, 2])
    assert not found.is_there[3, 2]
    assert np.isnan(found.scores[4])


def test_the_image_in_which_one_model_finds_more_is_chosen():
    scores = {'a': np.array([0.5, 1.0, 0.5]), 'b': np.array([0.5, 0.2, 0.5])}
    (choice,) = chosen_images(scores, scores, 6)
    assert (choice.image, choice.better, choice.worse) == (1, 'a', 'b')
    assert choice.gap == pytest.approx(0.8)


def test_images_once_at_most_so_many_the_largest_gap_first():
    random = np.random.default_rng(5)
    scores = {name: random.random(40) for name in 'abcd'}
    choices = chosen_images(scores, scores, 6)
    assert len({choice.image for choice in choices}) == len(choices) == 6
    gaps = [choice.gap for choice in choices]
    assert gaps == sorted(gaps, reverse=True)
    for choice in choices:
        assert choice.gap == pytest.approx(scores[choice.better][choice.image] - scores[choice.worse][choice.image])
    assert len(chosen_images({name: values[:3] for name, values in scores.items()}, scores_of(scores, 3), 6)) == 3


def scores_of(scores, number):
    return {name: values[:number] for name, values in scores.items()}


def test_a_model_that_is_worst_everywhere_does_not_fill_the_rows():
    random = np.random.default_rng(6)
    scores = {'worst': np.zeros(50), **{name: 0.7 + 0.2 * random.random(50) for name in 'abc'}}
    choices = chosen_images(scores, scores, 6)
    pairs = Counter(frozenset((choice.better, choice.worse)) for choice in choices)
    assert set(pairs.values()) == {1}
    assert len(pairs) == 6


def test_both_directions_of_one_pair():
    first = np.array([1.0, 1.0, 1.0, 1.0, 0.4, 0.4])
    second = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 0.6])
    choices = chosen_images({'a': first, 'b': second}, {'a': first, 'b': second}, 4)
    assert Counter(choice.better for choice in choices) == {'a': 2, 'b': 2}
    assert {choice.image for choice in choices} == {0, 1, 4, 5}


def test_what_the_runs_that_are_drawn_do_not_show_is_not_chosen():
    means = {'a': np.array([0.9, 0.6, np.nan]), 'b': np.array([0.1, 0.5, 0.0])}
    shown = {'a': np.array([0.3, 0.7, 1.0]), 'b': np.array([0.3, 0.5, 0.0])}
    (choice,) = chosen_images(means, shown, 6)
    assert choice.image == 1
    assert choice.gap == pytest.approx(0.1)
    assert chosen_images({'a': means['a']}, shown, 6) == []
