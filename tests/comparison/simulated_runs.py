"""Runs of simulated detectors and segmentors whose true scores are known: over all images, and over all seeds.

An image is hard or easy for every model, or for all runs of one model (its taste); a seed makes its run better or
worse as a whole, and on single images. Truth is the score of a large set of other images, the mean over evenly spaced
seeds.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from swin_dense.comparison.coco_scores import coco_scores
from swin_dense.comparison.intervals import ModelScores
from swin_dense.comparison.resampling import image_weights
from swin_dense.comparison.segmentation_scores import segmentation_scores
from swin_dense.evaluation.confusion import ConfusionData
from swin_dense.evaluation.match_data import MatchData

THRESHOLDS = np.array([0.5, 0.75])
MARGINS = np.array([0.0, 1.0])  # how much better a box must be for a threshold


@dataclass(frozen=True, kw_only=True)
class Model:
    skill: float = 1.0
    taste: int = 0  # models of one taste find the same images hard
    seed_spread: float = 0.1  # of the skill
    image_spread: float = 0.5  # of the skill, for one run on one image


@dataclass(frozen=True, kw_only=True)
class Images:
    """What all runs see: `objects` of all images one after the other."""

    difficulty: np.ndarray
    tastes: np.ndarray
    object_images: np.ndarray
    object_classes: np.ndarray
    object_difficulty: np.ndarray
    class_shares: np.ndarray


def draw_images(random: np.random.Generator, number: int, class_shares=(0.5, 0.3, 0.2)) -> Images:
    counts = random.poisson(3.0, number)
    return Images(
        difficulty=random.normal(0, 0.8, number),
        tastes=random.normal(0, 0.4, (2, number)),
        object_images=np.repeat(np.arange(number), counts),
        object_classes=random.choice(len(class_shares), counts.sum(), p=class_shares),
        object_difficulty=random.normal(0, 0.8, counts.sum()),
        class_shares=np.asarray(class_shares),
    )


def detector_run(random: np.random.Generator, images: Images, model: Model, luck: float | None = None) -> MatchData:
    """One run; `luck` is the seed's effect in standard deviations, drawn if None."""
    number, classes = len(images.difficulty), len(images.class_shares)
    here = _skill_on(images, model, random, luck)
    margin = here[images.object_images] - images.object_difficulty + random.normal(0, 0.3, len(images.object_images))
    false = random.poisson(2.0 * np.exp(-0.3 * here))
    false_images = np.repeat(np.arange(number), false)
    scores = np.concatenate([margin + random.normal(0, 0.7, len(margin)), random.normal(-0.5, 1.0, len(false_images))])
    hits = np.concatenate([margin[:, None] > MARGINS, np.zeros((len(false_images), len(MARGINS)), bool)])
    places = np.concatenate([images.object_images, false_images])
    kinds = np.concatenate([images.object_classes, random.choice(classes, len(false_images), p=images.class_shares)])
    order = np.argsort(places, kind='stable')
    return MatchData(
        kind='bbox',
        image_ids=np.arange(number),
        class_ids=np.arange(classes),
        iou_thresholds=THRESHOLDS,
        area_names=('all',),
        images=places[order],
        classes=kinds[order],
        scores=scores[order],
        matched=hits[order][:, None],
        ignored=np.zeros((len(order), 1, len(THRESHOLDS)), bool),
        truth_images=images.object_images,
        truth_classes=images.object_classes,
        truth_counts=np.ones((len(images.object_images), 1), int),
    )


def segmentor_run(
    random: np.random.Generator, images: Images, model: Model, luck: float | None = None
) -> ConfusionData:
    """One run: each object is 200 pixels, those that are wrong go to the next class."""
    here = _skill_on(images, model, random, luck)
    share = 1 / (1 + np.exp(images.object_difficulty - here[images.object_images]))
    right = random.binomial(200, share)
    classes = images.object_classes
    return ConfusionData(
        image_names=np.arange(len(here)).astype(str),
        num_classes=len(images.class_shares),
        images=np.tile(images.object_images, 2),
        truths=np.tile(classes, 2),
        predictions=np.concatenate([classes, (classes + 1) % len(images.class_shares)]),
        pixels=np.concatenate([right, 200 - right]),
    )


def _skill_on(images: Images, model: Model, random: np.random.Generator, luck: float | None) -> np.ndarray:
    luck = random.normal() if luck is None else luck
    alone = random.normal(0, model.image_spread, len(images.difficulty))
    return model.skill + model.seed_spread * luck + alone + images.tastes[model.taste] - images.difficulty


TASKS = {'mAP': (detector_run, coco_scores), 'mIoU': (segmentor_run, segmentation_scores)}


def true_score(metric: str, model: Model, num_images: int = 3000, num_seeds: int = 40, **drawn) -> float:
    run, scores = TASKS[metric]
    values = []
    for number in range(num_seeds):
        random = np.random.default_rng([99, number])
        luck = NormalDist().inv_cdf((number + 0.5) / num_seeds)
        data = run(random, draw_images(random, num_images, **drawn), model, luck)
        values.append(scores(data, np.ones((1, num_images)))[metric][0])
    return float(np.mean(values))


def measured(
    metric: str,
    seed: int,
    models: list[Model],
    *,
    num_images: int = 100,
    num_seeds: int = 3,
    num_resamples: int = 200,
    **drawn,
) -> list[ModelScores]:
    """One simulated comparison: new images, new runs."""
    run, scores = TASKS[metric]
    random = np.random.default_rng([7, seed])
    images = draw_images(random, num_images, **drawn)
    weights = np.concatenate([np.ones((1, num_images)), image_weights(num_images, num_resamples, seed)])
    results = []
    for number, model in enumerate(models):
        runs = np.stack([scores(run(random, images, model), weights)[metric] for _ in range(num_seeds)])
        results.append(
            ModelScores(name=f'model {number}', values=runs[:, 0], resampled=runs[:, 1:], num_images=num_images)
        )
    return results
