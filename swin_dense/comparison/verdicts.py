"""Which of two models is better, for all pairs of models, as far as seeds and images allow to say it.

Among many pairs some differ by chance: Holm's correction keeps the probability that any equal pair is told apart at
`alpha`. An interval is of its pair alone, so one that excludes 0 may belong to a pair that is not distinguishable.

Source: S. Holm, Scandinavian Journal of Statistics 6 (1979) 65.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from swin_dense.comparison.intervals import Interval, ModelScores, difference_interval

BETTER, WORSE, NOT_DISTINGUISHABLE = 'better', 'worse', 'not distinguishable'


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What can be said of the `first` model against the `second`.

    Args:
        word: the first is `better`, `worse` or `not distinguishable`.
        reason: why nothing can be said, where it is not the size of the difference; else empty.
        difference: first minus second.
        corrected_p: Holm's, over all pairs that were compared; NaN where there is nothing to test.
    """

    first: str
    second: str
    word: str
    reason: str
    difference: Interval
    corrected_p: float


def verdicts(models: Sequence[ModelScores], *, alpha: float = 0.05) -> list[Verdict]:
    """Compare each pair of models once, in the order given. A higher score is better."""
    pairs = list(combinations(models, 2))
    differences = [difference_interval(first, second, level=1 - alpha) for first, second in pairs]
    reasons = [_reason(difference, *pair) for difference, pair in zip(differences, pairs, strict=True)]
    tested = np.array([not reason for reason in reasons], dtype=bool)
    corrected = np.full(len(pairs), np.nan)
    corrected[tested] = holm(np.array([difference.p_value for difference in differences])[tested])
    return [
        Verdict(
            first=first.name,
            second=second.name,
            word=_word(difference.estimate, significant=bool(p <= alpha)),  # False for NaN
            reason=reason,
            difference=difference,
            corrected_p=float(p),
        )
        for (first, second), difference, reason, p in zip(pairs, differences, reasons, corrected, strict=True)
    ]


def corrected_together(tables: Sequence[Sequence[Verdict]], *, alpha: float = 0.05) -> list[list[Verdict]]:
    """Correct over all pairs of all tables: for scores that are looked through in search of a difference."""
    every = [verdict for table in tables for verdict in table]
    tested = np.array([not verdict.reason for verdict in every], dtype=bool)
    corrected = np.full(len(every), np.nan)
    corrected[tested] = holm(np.array([verdict.difference.p_value for verdict in every])[tested])
    said = iter(
        replace(verdict, word=_word(verdict.difference.estimate, significant=bool(p <= alpha)), corrected_p=float(p))
        for verdict, p in zip(every, corrected, strict=True)
    )
    return [[next(said) for _ in table] for table in tables]


def holm(p_values: np.ndarray) -> np.ndarray:
    """P values corrected for their number, in the order given."""
    order = np.argsort(p_values, kind='stable')
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return corrected


def _reason(difference: Interval, first: ModelScores, second: ModelScores) -> str:
    if not difference.covers_seeds:
        single = ' and '.join(scores.name for scores in (first, second) if len(scores.values) == 1)
        return f'{single}: a single run does not say what another seed would have given; train with two or more seeds'
    if np.isnan(difference.low):
        return 'too few images have an object that this score is of'
    return ''


def _word(difference: float, *, significant: bool) -> str:
    if not significant:
        return NOT_DISTINGUISHABLE
    return BETTER if difference > 0 else WORSE
