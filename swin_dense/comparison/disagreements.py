"""The images that two models see most differently: image, ground truth and both predictions, side by side.

Scores of an image are those of `image_scores`, means over a model's seeds; `image_choice` says which images are shown.
Predictions drawn are those of one run of each model, the finished one of the lowest seed.
"""

import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from swin_dense.comparison.defined_means import defined_mean
from swin_dense.comparison.disagreement_words import Seen, caption, described
from swin_dense.comparison.ground_truth import TestImages
from swin_dense.comparison.html.groups import is_in
from swin_dense.comparison.image_choice import Choice, chosen_images
from swin_dense.comparison.image_scores import (
    DetectionScores,
    SegmentationScores,
    detection_scores,
    segmentation_image_scores,
)
from swin_dense.comparison.results import Comparison, Group, PictureRow, RunRecord
from swin_dense.comparison.run_commands import PER_IMAGE
from swin_dense.comparison.run_scores import KINDS
from swin_dense.comparison.tasks import CLASSIFICATION, SEGMENTATION
from swin_dense.engine.atomic import replacing
from swin_dense.engine.per_image import CONFUSION
from swin_dense.engine.settings import load_config
from swin_dense.evaluation.confusion import load_confusion_data
from swin_dense.evaluation.match_data import load_match_data
from swin_dense.inference.overlays import draw_detections, draw_segmentation
from swin_dense.inference.predictor import Predictor
from swin_dense.inference.results import Detections, ImagePrediction, Recognition

IMAGE, TRUTH = 'image', 'ground truth'
_LONGEST = 512  # pixels of a picture's long side


@dataclass(frozen=True)
class Model:
    """Finished runs of one model by rising seed, and what each did on the images of the test set."""

    runs: Sequence[RunRecord]
    scores: Sequence[DetectionScores | SegmentationScores]
    images: np.ndarray

    @property
    def means(self) -> np.ndarray:
        return defined_mean(np.stack([each.scores for each in self.scores]), 0)

    @property
    def label(self) -> str:
        return f'{self.runs[0].name} seed {self.runs[0].seed}'


def disagreements(comparison: Comparison, configs: Mapping[str, Path], out: Path, *, most: int = 6) -> list[PictureRow]:
    """Draw them for each group of two or more models.

    Args:
        configs: model -> config file; a run's own `config.py` where one is not named.
        out: folder for the pictures, PNG files.
        most: rows of one group.

    Raises:
        ValueError: what runs kept of each image is damaged, or the test set is not the one of the runs.
        OSError: an image, a config or a checkpoint is not there.
    """
    rows = []
    for group in comparison.groups:
        if group.task == CLASSIFICATION:  # right or wrong is in no part of a picture
            continue
        models = _models(comparison, group)
        means, shown = ({name: _of(model) for name, model in models.items()} for _of in (_means, _shown))
        if choices := chosen_images(means, shown, most):
            print(f'disagreements, {group.task}: {len(choices)} images', file=sys.stderr, flush=True)
            rows += _Drawing(group, models, configs, Path(out)).rows(choices)
    return rows


def _means(model: Model) -> np.ndarray:
    return model.means


def _shown(model: Model) -> np.ndarray:
    return model.scores[0].scores


def _models(comparison: Comparison, group: Group) -> dict[str, Model]:
    models = {}
    for name in group.models:
        runs = [run for run in comparison.runs if run.name == name and run.state == 'finished' and is_in(run, group)]
        if runs := sorted(runs, key=lambda run: run.seed):
            images, scores = zip(*(_run_scores(run) for run in runs), strict=True)
            models[name] = Model(runs, scores, images[0])
    return models


def _run_scores(run: RunRecord) -> tuple[np.ndarray, DetectionScores | SegmentationScores]:
    folder = run.folder / PER_IMAGE
    if run.task == SEGMENTATION:
        confusion = load_confusion_data(folder / f'{CONFUSION}.npz')
        return confusion.image_names, segmentation_image_scores(confusion)
    files = [folder / f'{kind}.npz' for kind in KINDS]
    matches = load_match_data(next((file for file in files if file.is_file()), files[0]))
    return matches.image_ids, detection_scores(matches)


class _Drawing:
    """Draws the rows of one group, one model in memory at a time."""

    def __init__(self, group: Group, models: Mapping[str, Model], configs: Mapping[str, Path], out: Path) -> None:
        self._group, self._models, self._out = group, models, out
        self._configs = {
            name: Path(configs.get(name, model.runs[0].folder / 'config.py')) for name, model in models.items()
        }
        self._images = TestImages(load_config(next(iter(self._configs.values()))), group.task)

    def rows(self, choices: Sequence[Choice]) -> list[PictureRow]:
        names = next(iter(self._models.values())).images
        loaded = {choice.image: self._images.load(names[choice.image]) for choice in choices}
        found: dict[tuple[int, str], ImagePrediction] = {}
        for name in self._models:
            if wanted := [choice.image for choice in choices if name in (choice.better, choice.worse)]:
                predictor = self._predictor(name)
                found.update({(image, name): _predicted(predictor, loaded[image].pixels) for image in wanted})
        return [
            self._row(choice, loaded[choice.image], {name: found[choice.image, name] for name in _pair(choice)})
            for choice in choices
        ]

    def _predictor(self, name: str) -> Predictor:
        return Predictor(self._configs[name], self._models[name].runs[0].folder, device='cpu')

    def _row(self, choice: Choice, image: Any, found: Mapping[str, ImagePrediction]) -> PictureRow:
        seen = {
            name: Seen(
                label=self._models[name].label,
                place=choice.image,
                scores=self._models[name].scores,
                prediction=found[name],
                classes=self._images.classes,
            )
            for name in found
        }
        drawn = {IMAGE: _drawn(image.pixels, _nothing(image.pixels), self._images, 1.0)}
        drawn[TRUTH] = _drawn(image.pixels, image.truth, self._images, 0.0, with_scores=False)
        for name, each in seen.items():
            drawn[each.label] = _drawn(image.pixels, found[name], self._images, each.threshold)
        key = self._key(image.path)
        pictures = {label: self._out / f'{key}_{_safe(label)}.png' for label in drawn}
        for label, picture in drawn.items():
            _save(pictures[label], picture)
        height, width = image.pixels.shape[:2]
        return PictureRow(
            kind='disagreement',
            title=f'{Path(image.path).name}: {choice.better} against {choice.worse}',
            caption=caption(*seen.values()),
            pictures=pictures,
            descriptions={
                IMAGE: f'the image {Path(image.path).name}, {height} x {width} pixels',
                TRUTH: f'{TRUTH}: {described(image.truth, self._images.classes, 0.0)}',
                **{each.label: each.description for each in seen.values()},
            },
        )

    def _key(self, path: str) -> str:
        """The same for the same image of the same group; digits tell apart what is alike without odd letters."""
        group = self._group
        digits = zlib.crc32(f'{group.recipe} {group.data} {Path(path).parent.name}/{Path(path).name}'.encode())
        return f'disagreement_{_safe(group.task)}_{_safe(Path(path).stem)}_{digits:08x}'


def _pair(choice: Choice) -> tuple[str, str]:
    return choice.better, choice.worse


def _predicted(predictor: Predictor, pixels: np.ndarray) -> ImagePrediction:
    found = predictor(pixels)
    assert not isinstance(found, Recognition)
    return found


def _drawn(
    pixels: np.ndarray, found: ImagePrediction, images: TestImages, score_thr: float, *, with_scores: bool = True
) -> np.ndarray:
    if isinstance(found, Detections):
        return draw_detections(
            pixels,
            found,
            classes=images.classes,
            palette=images.palette,
            score_thr=score_thr,
            with_scores=with_scores,
        )
    return draw_segmentation(pixels, found, classes=images.classes, palette=images.palette)


def _nothing(pixels: np.ndarray) -> Detections:
    """To have the image itself in the size of the other pictures."""
    size = pixels.shape[0], pixels.shape[1]
    return Detections(size, np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64), None)


def _save(path: Path, picture: np.ndarray) -> None:
    """As a PNG of few colours: a row of pictures side by side shows no more, and photographs make large files."""
    image = Image.fromarray(picture)
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    few = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    written = BytesIO()
    few.save(written, format='png', optimize=True)
    with replacing(path) as file:
        file.write(written.getvalue())


def _safe(text: str) -> str:
    return re.sub(r'[^\w-]+', '_', text)
