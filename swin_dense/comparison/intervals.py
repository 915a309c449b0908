"""Confidence intervals of a model's score, and of the difference of two, over images and over seeds.

A score varies with the images it was measured on, which all runs share, and with the seed of the training, which no two
runs of different models share. Readers, modalities and cases of a diagnostic study are in the same relation, and the
variances are put together as there (Hillis 2014, readers nested within tests):

    Var(mean of r seeds) = between / r + images

`between` is the sample variance of the runs' scores. `images` is the covariance, over resamples of the images, of two
runs of one model: what is left of the images' part when the seeds' part, which contains the runs' own reactions to the
images, has been counted. In a difference the covariance of the two models is taken off. Two or three seeds give a poor
estimate of `between`: the quantile is that of Student's t, with Satterthwaite's degrees of freedom for the sum. No
variance is taken to be equal for two models (Welch).

Limits: where some classes are in a handful of images, scores of few images are biased, and the 95 % intervals contain
the truth in 87 to 94 % of simulated comparisons (benchmarks/results/intervals.md). With two seeds, a model whose runs
spread four times as much as the other's costs up to 7 % of coverage. Use three seeds or more.

Percentiles of a bootstrap that resamples seeds, too, are not used: with r seeds it takes the variance between seeds for
(r - 1) / r of what it is, half of it for two, and a bootstrap's bias (AP's is not 0) would count twice.

Sources: S. L. Hillis, Statistics in Medicine 33 (2014) 330, doi 10.1002/sim.5926; B. Efron and R. Tibshirani, An
Introduction to the Bootstrap (1993), chapter 6.
"""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ModelScores:
    """One score of all runs of one model.

    Args:
        name: of the model.
        values: (seeds,) on the test set.
        resampled: (seeds, resamples) on resamples of it, the same for all models.
        num_images: of the test set.
    """

    name: str
    values: np.ndarray
    resampled: np.ndarray
    num_images: int

    def __post_init__(self) -> None:
        if self.resampled.ndim != 2 or self.values.shape != self.resampled.shape[:1] or not len(self.values):
            raise ValueError(
                f'{self.name}: scores of (seeds,) and resampled scores of (seeds, resamples) belong together, '
                f'not {self.values.shape} and {self.resampled.shape}.'
            )


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its confidence interval.

    Args:
        estimate: the mean over seeds, or the difference of two means.
        low, high: ends of the interval.
        seed_error: standard error that more seeds would lower.
        image_error: standard error that more images would lower.
        degrees_of_freedom: of Student's t.
        p_value: of an estimate this far from 0, were 0 the truth.
        covers_seeds: False if a model has a single run: nothing is known of other seeds, the interval is of the images.
    """

    estimate: float
    low: float
    high: float
    seed_error: float
    image_error: float
    degrees_of_freedom: float
    p_value: float
    covers_seeds: bool


def model_interval(scores: ModelScores, *, level: float = 0.95) -> Interval:
    """Interval of a model's mean score over seeds and images."""
    return _interval([scores], np.array([1.0]), level)


def difference_interval(first: ModelScores, second: ModelScores, *, level: float = 0.95) -> Interval:
    """Interval of the first model's mean score minus the second's."""
    if first.num_images != second.num_images or first.resampled.shape[1] != second.resampled.shape[1]:
        raise ValueError(
            f'{first.name} and {second.name} were measured on other images or resamples: only scores on the same ones '
            'can be compared.'
        )
    return _interval([first, second], np.array([1.0, -1.0]), level)


def _interval(models: list[ModelScores], signs: np.ndarray, level: float) -> Interval:
    estimate = float(signs @ [scores.values.mean() for scores in models])
    covers_seeds = all(len(scores.values) > 1 for scores in models)
    # NaN: resamples without any object of the size or class, the same ones for all runs
    whole = np.isfinite(np.concatenate([scores.resampled for scores in models])).all(axis=0)
    if not math.isfinite(estimate) or whole.sum() < 2 or models[0].num_images < 2:
        nan = math.nan
        return Interval(
            estimate=estimate,
            low=nan,
            high=nan,
            seed_error=nan,
            image_error=nan,
            degrees_of_freedom=nan,
            p_value=nan,
            covers_seeds=covers_seeds,
        )
    resampled = [scores.resampled[:, whole] for scores in models]
    freedoms = [len(scores.values) - 1 for scores in models]
    between = [scores.values.var(ddof=1) / len(scores.values) if covers_seeds else 0.0 for scores in models]
    images = _image_variance(resampled, signs, shared=covers_seeds)
    freedom = models[0].num_images - 1
    images *= (freedom + 1) / freedom  # resamples vary around the sample's mean, not the truth
    parts = [*zip(between, freedoms, strict=True), (images, freedom)]
    variance = sum(part for part, _ in parts)
    spread = sum(part**2 / its_freedom for part, its_freedom in parts if part > 0)
    degrees = min(variance**2 / spread, 1e6) if spread > 0 else 1e6
    error = math.sqrt(variance)
    half = _student_quantile((1 + level) / 2, degrees) * error
    return Interval(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        seed_error=math.sqrt(sum(between)),
        image_error=math.sqrt(images),
        degrees_of_freedom=degrees,
        p_value=_two_sided_p(estimate, error, degrees),
        covers_seeds=covers_seeds,
    )


def _image_variance(resampled: list[np.ndarray], signs: np.ndarray, *, shared: bool) -> float:
    """Variance over resamples of the signed sum of the models' means.

    `shared`: only what two runs of a model have in common; the rest is part of the variance between seeds.
    """
    means = np.stack([runs.mean(axis=0) for runs in resampled])
    variance = (signs @ means).var(ddof=1)
    if shared:
        for runs, mean in zip(resampled, means, strict=True):
            seeds = len(runs)
            alone = runs.var(axis=1, ddof=1).mean()
            covariance = (seeds * mean.var(ddof=1) - alone) / (seeds - 1)
            variance += covariance - mean.var(ddof=1)
    return max(float(variance), 0.0)


def _student_quantile(probability: float, degrees: float) -> float:
    from scipy.special import stdtrit  # here: reading results does not need it

    return float(stdtrit(degrees, probability))


def _two_sided_p(estimate: float, error: float, degrees: float) -> float:
    from scipy.special import stdtr

    if error == 0:
        return 1.0 if estimate == 0 else 0.0
    return float(2 * stdtr(degrees, -abs(estimate) / error))
