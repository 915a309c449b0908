"""Many simulated comparisons of three models: one, the same again, and one that is truly better by far."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from swin_dense.comparison.intervals import ModelScores, difference_interval, model_interval
from swin_dense.comparison.verdicts import BETTER, NOT_DISTINGUISHABLE, WORSE, verdicts
from tests.comparison.simulated_runs import Model, measured, true_score


def simulated(
    metric: str,
    simulations: int,
    *,
    seeds: Sequence[int],
    advantage: float = 1.0,
    seed_spread: float = 0.1,
    num_images: int = 100,
    num_resamples: int = 200,
    **drawn,
) -> dict[int, dict[str, float]]:
    """Rates by number of seeds; `drawn` goes to draw_images. The seeds of fewer are the first of those of more."""
    plain = Model(seed_spread=seed_spread)
    models = [plain, plain, replace(plain, skill=plain.skill + advantage, taste=1)]
    truths = [true_score(metric, model, **drawn) for model in (plain, models[2])]
    rows: dict[int, list[dict[str, float]]] = {number: [] for number in seeds}
    for number in range(simulations):
        runs = measured(
            metric,
            number,
            models,
            num_images=num_images,
            num_seeds=max(seeds),
            num_resamples=num_resamples,
            **drawn,
        )
        for few, results in rows.items():
            results.append(_judged([_first(scores, few) for scores in runs], *truths))
    return {few: {name: float(np.mean([row[name] for row in rows[few]])) for name in rows[few][0]} for few in seeds}


def _first(scores: ModelScores, number: int) -> ModelScores:
    return replace(scores, values=scores.values[:number], resampled=scores.resampled[:number])


def _judged(runs: list[ModelScores], truth: float, better_truth: float) -> dict[str, float]:
    one = model_interval(runs[0])
    difference = difference_interval(runs[2], runs[0])
    same, worse, _ = verdicts(runs)  # first against second, against third; second against third
    return {
        'one model covers': one.low <= truth <= one.high,
        'difference covers': difference.low <= better_truth - truth <= difference.high,
        'same model not distinguishable': same.word == NOT_DISTINGUISHABLE,
        'better found': worse.word == WORSE,
        'better called worse': worse.word == BETTER,
        'width of the difference': difference.high - difference.low,
        'true difference': better_truth - truth,
    }
