"""All scores of runs on one test set, on the sample and on resamples of its images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from swin_dense.comparison.classification_scores import classification_scores
from swin_dense.comparison.coco_scores import coco_scores
from swin_dense.comparison.resampling import image_weights
from swin_dense.comparison.results import RunRecord
from swin_dense.comparison.run_commands import PER_IMAGE
from swin_dense.comparison.segmentation_scores import segmentation_scores
from swin_dense.comparison.tasks import CLASSIFICATION, SEGMENTATION
from swin_dense.engine.per_image import CLASSES, CONFUSION
from swin_dense.evaluation.class_data import load_class_data
from swin_dense.evaluation.confusion import load_confusion_data
from swin_dense.evaluation.match_data import load_match_data

KINDS = ('bbox', 'segm')
# what a run's test wrote may be rounded: mmseg does to hundredths of a percent
_ROUNDING = 1e-4


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """The images that runs were tested on.

    Attributes:
        images: (N,) ids or names.
        images_of_class: class name -> images that have it.
    """

    __test__ = False  # for pytest: this is no test

    images: np.ndarray
    images_of_class: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class RunScores:
    """Scores of one run from 0 to 1, NaN where there is nothing to find.

    Attributes:
        scores: name -> (1 + resamples,): the sample, then its resamples.
        by_class: name, such as `bbox_AP` -> (1 + resamples, classes).
    """

    scores: Mapping[str, np.ndarray]
    by_class: Mapping[str, np.ndarray]


def scores_of_runs(records: Sequence[RunRecord], *, resamples: int = 1000) -> tuple[TestSet, list[RunScores]]:
    """Scores of finished runs with one data fingerprint, in their order, on the same resamples.

    Raises:
        ValueError: a file is damaged, runs were tested on other images, or a score is not that of results.json.
    """
    sets: list[TestSet] = []
    found = []
    for record in tqdm(records, desc='resampling images', unit='run', disable=None):
        test_set, scores = _scores_of_run(record, resamples)
        if sets and not np.array_equal(sets[0].images, test_set.images):
            raise ValueError(
                f'{records[0].folder / PER_IMAGE} and {record.folder / PER_IMAGE} are of other images, or in another '
                'order: their runs cannot be compared. Test both again with tools/test.py --per-image.'
            )
        _refuse_other_scores(record, scores)
        sets.append(test_set)
        found.append(scores)
    return sets[0], found


def _scores_of_run(record: RunRecord, resamples: int) -> tuple[TestSet, RunScores]:
    readers = {SEGMENTATION: _read_segmentation, CLASSIFICATION: _read_classification}
    return readers.get(record.task, _read_detection)(
        record.folder / PER_IMAGE, record.protocol.get('classes') or (), resamples
    )


def _weights(num_images: int, resamples: int) -> np.ndarray:
    return np.concatenate([np.ones((1, num_images)), image_weights(num_images, resamples)])


def _read_segmentation(folder: Path, names: Sequence[str], resamples: int) -> tuple[TestSet, RunScores]:
    data = load_confusion_data(folder / f'{CONFUSION}.npz')
    found = segmentation_scores(data, _weights(len(data.image_names), resamples))
    pairs = np.unique(np.stack([data.truths, data.images]), axis=1)[0]  # a class of an image once
    counts = np.bincount(pairs, minlength=data.num_classes)
    return (
        TestSet(images=data.image_names, images_of_class=_counted(names, counts)),
        RunScores(
            scores={name: found[name] for name in ('mIoU', 'mAcc', 'aAcc')},
            by_class={'IoU': found['IoU_by_class'], 'Acc': found['Acc_by_class']},
        ),
    )


def _read_classification(folder: Path, names: Sequence[str], resamples: int) -> tuple[TestSet, RunScores]:
    data = load_class_data(folder / f'{CLASSES}.npz')
    found = classification_scores(data, _weights(len(data.labels), resamples))
    by_class = {'Acc': found.pop('Acc_by_class')}
    counts = np.bincount(data.labels, minlength=data.num_classes)
    return (
        TestSet(images=data.image_names, images_of_class=_counted(names, counts)),
        RunScores(scores=found, by_class=by_class),
    )


def _read_detection(folder: Path, names: Sequence[str], resamples: int) -> tuple[TestSet, RunScores]:
    scores: dict[str, np.ndarray] = {}
    by_class: dict[str, np.ndarray] = {}
    sets = []
    for kind in KINDS:
        if not (path := folder / f'{kind}.npz').is_file():
            continue
        data = load_match_data(path)
        found = coco_scores(data, _weights(len(data.image_ids), resamples))
        by_class[f'{kind}_AP'] = found.pop('AP_by_class')
        scores.update({f'{kind}_{name}': values for name, values in found.items()})
        some = data.truth_counts[:, 0] > 0
        counts = np.bincount(data.truth_classes[some], minlength=len(data.class_ids))
        sets.append(TestSet(images=data.image_ids, images_of_class=_counted(names, counts)))
    if len(sets) == len(KINDS) and not np.array_equal(sets[0].images, sets[1].images):
        raise ValueError(f'{folder}: boxes and masks are of other images. Test again with tools/test.py --per-image.')
    return sets[0], RunScores(scores=scores, by_class=by_class)


def _counted(names: Sequence[str], counts: np.ndarray) -> dict[str, int]:
    return {name: int(count) for name, count in zip(names, counts, strict=False)}


def _refuse_other_scores(record: RunRecord, scores: RunScores) -> None:
    """What was kept of each image must give the score that the test gave: else it is of another test."""
    for name, values in scores.scores.items():
        told = _told(record.metrics, name)
        value = float(values[0])
        if told is not None and value == value and abs(told - value) > _ROUNDING:
            raise ValueError(
                f'{record.folder / PER_IMAGE} gives {name} = {value:.4f}, results.json beside it says {told:.4f}: they '
                'are of two tests. Test again with tools/test.py --per-image.'
            )


def _told(metrics: Mapping[str, float | None], name: str) -> float | None:
    """A metric of the test by its name here: `coco/bbox_mAP` from 0 to 1, or `mIoU` and `acc/top1` in percent."""
    values = [value for key, value in metrics.items() if key.rsplit('/', 1)[-1] == name and value is not None]
    if len(values) != 1 or values[0] < 0:  # none, by several data sets, or pycocotools' -1 of nothing to find
        return None
    return values[0] if name.startswith(KINDS) else values[0] / 100
