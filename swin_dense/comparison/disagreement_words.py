"""What two predictions of one image are, and how they differ, in words and numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_dense.comparison.html.numerals import UNKNOWN, is_known, mean, percent
from swin_dense.comparison.image_scores import IOU, DetectionScores, SegmentationScores
from swin_dense.inference.results import Detections, ImagePrediction

_MOST_CLASSES = 6


@dataclass(frozen=True)
class Seen:
    """One model's view of the image at `place`.

    Attributes:
        label: name and seed of the run whose `prediction` is drawn.
        scores: of all runs of the model; the first is of that run.
        classes: names.
    """

    label: str
    place: int
    scores: Sequence[DetectionScores | SegmentationScores]
    prediction: ImagePrediction
    classes: Sequence[str]

    @property
    def threshold(self) -> float:
        """Of detections that are drawn."""
        first = self.scores[0]
        return first.threshold if isinstance(first, DetectionScores) else 0.0

    @property
    def description(self) -> str:
        text = f'{self.label}: {described(self.prediction, self.classes, self.threshold)}'
        first = self.scores[0]
        if isinstance(first, DetectionScores):
            found, false, objects = (int(part[self.place]) for part in (first.found, first.false, first.objects))
            return f'{text}; {found} of {objects} objects found, {false} false'
        return f'{text}; IoU {_in_words(first.scores[self.place])}'

    @property
    def score_words(self) -> str:
        """The run's score of the image, and the mean over seeds where there are several."""
        values = [float(each.scores[self.place]) for each in self.scores]
        several = f' (mean of {len(values)} seeds: {_in_words(mean(values))})' if len(values) > 1 else ''
        return f'{_in_words(values[0])}{several}'


def caption(better: Seen, worse: Seen) -> str:
    """What the pictures show, and by which numbers the two differ."""
    both = (better, worse)
    told = ', '.join(f'{each.label} {each.score_words}' for each in both)
    if isinstance(better.scores[0], DetectionScores):
        limits = ' and '.join(f'{each.threshold:.2f} ({each.label})' for each in both)
        return (
            f'F1 of this image at IoU {IOU}: {told}. Drawn are detections from a score of {limits} on, with which each '
            'run has its highest F1 over the test set.'
        )
    return f'Mean IoU over the classes of this image: {told}.{_widest(better, worse)}'


def described(found: ImagePrediction, classes: Sequence[str], threshold: float) -> str:
    """What is in a picture, the most frequent class first."""
    if isinstance(found, Detections):
        labels = found.labels[found.scores >= threshold]
        counts = Counter(classes[label] for label in labels.tolist()).most_common()
        boxes = f'{len(labels)} box{"" if len(labels) == 1 else "es"}'
        return boxes + (': ' + _listed([f'{count} {name}' for name, count in counts]) if counts else '')
    shares = np.bincount(found.labels.ravel(), minlength=len(classes)) / found.labels.size
    order = [label for label in np.argsort(-shares, kind='stable').tolist() if shares[label] > 0]
    return _listed([f'{_in_words(shares[label])} {classes[label]}' for label in order])


def _widest(better: Seen, worse: Seen) -> str:
    """The classes of the image in which the two runs differ most."""
    first, second = better.scores[0], worse.scores[0]
    assert isinstance(first, SegmentationScores)
    assert isinstance(second, SegmentationScores)
    values = [each.by_class[better.place] for each in (first, second)]
    gaps = np.where(first.is_there[better.place], values[0] - values[1], np.nan)
    order = [place for place in np.argsort(-np.abs(gaps), kind='stable').tolist() if is_known(gaps[place])][:3]
    told = [
        f'{better.classes[place]} {_in_words(values[0][place])} and {_in_words(values[1][place])}' for place in order
    ]
    return f' IoU by class, where they differ most: {"; ".join(told)}.' if told else ''


def _listed(parts: Sequence[str]) -> str:
    more = len(parts) - _MOST_CLASSES
    return ', '.join([*parts[:_MOST_CLASSES], *([f'{more} classes more'] if more > 0 else [])])


def _in_words(value: float) -> str:
    return f'{percent(value)} %' if is_known(value) else UNKNOWN
