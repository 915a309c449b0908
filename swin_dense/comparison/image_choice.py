"""Which images to show of models that disagree.

The largest differences alone would show the worst model against the best, again and again. So pictures go round: next
is the pair of models of which fewest were shown, then the pair whose models were shown least, then the direction
(which of the two is better) shown least, and only then the largest difference.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np


@dataclass(frozen=True)
class Choice:
    """`better` did better than `worse` on the image at place `image`, by `gap` (from 0 to 1)."""

    image: int
    better: str
    worse: str
    gap: float


def chosen_images(means: Mapping[str, np.ndarray], shown: Mapping[str, np.ndarray], most: int) -> list[Choice]:
    """At most `most` images, each once, the largest gap first.

    Args:
        means: model -> (images,) scores, mean over its seeds; NaN where there is none.
        shown: model -> (images,) scores of the run whose predictions are drawn. A gap is the smaller of both gaps: the
            pictures show what all seeds have in common.
    """
    gaps = {
        (better, worse): np.nan_to_num(
            np.minimum(means[better] - means[worse], shown[better] - shown[worse]), nan=0, posinf=0, neginf=0
        )
        for better, worse in permutations(means, 2)
    }
    taken: list[Choice] = []
    while len(taken) < most:
        best = _next(gaps, taken)
        if best is None:
            break
        taken.append(best)
        for values in gaps.values():
            values[best.image] = 0
    return sorted(taken, key=lambda choice: -choice.gap)


def _next(gaps: Mapping[tuple[str, str], np.ndarray], taken: list[Choice]) -> Choice | None:
    pairs = Counter(frozenset((choice.better, choice.worse)) for choice in taken)
    models = Counter(name for choice in taken for name in (choice.better, choice.worse))
    directions = Counter((choice.better, choice.worse) for choice in taken)
    left = {pair: int(values.argmax()) for pair, values in gaps.items() if len(values) and values.max() > 0}
    if not left:
        return None
    pair = min(
        left,
        key=lambda each: (
            pairs[frozenset(each)],
            models[each[0]] + models[each[1]],
            directions[each],
            -gaps[each][left[each]],
        ),
    )
    return Choice(left[pair], *pair, float(gaps[pair][left[pair]]))
