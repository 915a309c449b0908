"""What verdicts say, in sentences, for all reports: two reports of one comparison say the same."""

from collections.abc import Iterator

from swin_dense.comparison.html.groups import listed_names
from swin_dense.comparison.html.numerals import is_known, mean, percent
from swin_dense.comparison.results import ScoreTable
from swin_dense.comparison.verdicts import BETTER, NOT_DISTINGUISHABLE, WORSE, Verdict

_OPPOSITE = {BETTER: WORSE, WORSE: BETTER, NOT_DISTINGUISHABLE: NOT_DISTINGUISHABLE}
_NARROW = 0.003  # of an interval: with one digit of a percent its ends would look alike
METHOD = (
    'Scores are in percent. ± is the standard deviation over seeds; intervals are of 95 % and hold for other seeds and '
    'other test images. Pairs are compared on the same images, and corrected by Holm for their number: '
    '“not distinguishable” means that these seeds and images do not tell, not that the models are equal.'
)


def score_digits(table: ScoreTable) -> int:
    """Digits of a percent behind the point: 1, or 2 where an interval is narrow."""
    intervals = [*table.intervals.values(), *(verdict.difference for verdict in table.verdicts)]
    widths = [each.high - each.low for each in intervals if is_known(each.high - each.low)]
    return 2 if any(0 < width < _NARROW for width in widths) else 1


def by_score(table: ScoreTable) -> list[str]:
    """Models, the highest mean first; those without one at the end."""
    means = {name: mean(values) for name, values in table.seeds.items()}
    return sorted(means, key=lambda name: -means[name] if is_known(means[name]) else float('inf'))


def headline_verdicts(table: ScoreTable, order: list[str]) -> Iterator[str]:
    """One sentence a model and kind of verdict; each pair is told once, from the model earlier in `order`."""
    digits = score_digits(table)
    for place, name in enumerate(order):
        found: dict[str, list[str]] = {BETTER: [], WORSE: [], NOT_DISTINGUISHABLE: []}
        for other in order[place + 1 :]:
            verdict = _verdict(table, name, other)
            if verdict is not None:
                word = verdict.word if verdict.first == name else _OPPOSITE[verdict.word]
                told = other if word == NOT_DISTINGUISHABLE else _with_difference(verdict, other, digits)
                found[word].append(told)
        if found[BETTER]:
            yield f'{name} is better than {listed_names(found[BETTER])}.'
        if found[WORSE]:
            yield f'{name} is worse than {listed_names(found[WORSE])}.'
        if found[NOT_DISTINGUISHABLE]:
            yield f'{name} is not distinguishable from {listed_names(found[NOT_DISTINGUISHABLE])}.'


def _verdict(table: ScoreTable, one: str, other: str) -> Verdict | None:
    return next((each for each in table.verdicts if {each.first, each.second} == {one, other}), None)


def _with_difference(verdict: Verdict, other: str, digits: int) -> str:
    low, high = verdict.difference.low, verdict.difference.high
    ends = sorted(abs(end) for end in (low, high)) if low * high > 0 else [low, high]
    size = percent(abs(verdict.difference.estimate), digits)
    return f'{other} (by {size}; {percent(ends[0], digits)} to {percent(ends[1], digits)})'
