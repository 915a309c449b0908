"""All scores and all verdicts of a group."""

from collections.abc import Sequence

from swin_dense.comparison.html.groups import Named, score_words
from swin_dense.comparison.html.markup import Html, element, folded, joined, section
from swin_dense.comparison.html.numerals import (
    deviation,
    interval_text,
    mean,
    mean_and_deviation,
    percent,
    probability,
)
from swin_dense.comparison.html.tables import Cell, Column, table
from swin_dense.comparison.results import ScoreTable
from swin_dense.comparison.verdicts import Verdict


def scores(groups: list[Named]) -> Html:
    parts = [part for named in groups if named.group.scores for part in _group(named)]
    return section('scores', 'Scores', *(parts or [element('p', 'No run has results.')]))


def verdict_tables(groups: list[Named]) -> Html:
    parts: list[Html] = [
        element('p', 'Difference is the first model minus the second, p is corrected by Holm over all pairs.')
    ]
    for named in groups:
        if named.headline is None or not named.headline.verdicts:  # no score, or a single model
            continue
        words = score_words(named.headline.score)
        key, title = f'{named.key}-verdicts', f'{named.title}: verdicts'
        parts += [element('h3', named.title), verdict_table(key, f'{title}, {words}', [named.headline])]
        if others := named.group.scores[1:]:
            parts.append(
                folded('Verdicts on the other scores', verdict_table(f'{key}-others', f'{title}, other scores', others))
            )
    return section('verdicts', 'Pairs of models', *parts)


def verdict_table(key: str, caption: str, tables: Sequence[ScoreTable]) -> Html:
    """All pairs of some scores; the column of reasons only where there is one."""
    columns = [
        Column('First', numeric=False),
        Column('Second', numeric=False),
        Column('Score', numeric=False),
        Column('Difference'),
        Column('95 % interval'),
        Column('Corrected p'),
        Column('The first is', numeric=False),
    ]
    pairs = [(each.score, verdict) for each in tables for verdict in each.verdicts]
    has_reasons = any(verdict.reason for _, verdict in pairs)
    if has_reasons:
        columns.append(Column('Why nothing can be said', numeric=False))
    rows = [_verdict_row(score, verdict, has_reasons) for score, verdict in pairs]
    return table(key, caption, columns, rows, heads=2)


def _verdict_row(score: str, verdict: Verdict, has_reasons: bool) -> list[Cell | str]:
    difference = verdict.difference
    row: list[Cell | str] = [
        verdict.first,
        verdict.second,
        score_words(score),
        Cell(percent(difference.estimate, signed=True), difference.estimate),
        Cell(interval_text(difference, signed=True), difference.low),
        Cell(probability(verdict.corrected_p), verdict.corrected_p),
        Cell(verdict.word, class_='word ' + verdict.word.replace(' ', '-')),
    ]
    return [*row, Cell(verdict.reason, class_='wide')] if has_reasons else row


def _group(named: Named) -> list[Html]:
    group = named.group
    words = [score_words(each.score) for each in group.scores]
    rows: list[list[Cell | str]] = [
        [name, *(Cell(mean_and_deviation(each.seeds[name]), mean(each.seeds[name])) for each in group.scores)]
        for name in group.models
    ]
    overview = table(
        f'{named.key}-overview',
        f'{named.title}: all scores, mean ± standard deviation over seeds',
        [Column('Model', numeric=False), *(Column(each) for each in words)],
        rows,
    )
    return [element('h3', named.title), overview, folded('Intervals and single seeds of all scores', _details(named))]


def _details(named: Named) -> Html:
    columns = [
        Column('Model', numeric=False),
        Column('Score', numeric=False),
        Column('Mean'),
        Column('± sd'),
        Column('95 % interval'),
        Column('Error by seeds'),
        Column('Error by images'),
        Column('Each seed', numeric=False),
    ]
    rows = [_detail_row(name, each) for each in named.group.scores for name in named.group.models]
    about = element(
        'p', 'Error by seeds is the standard error that more seeds would lower, error by images that of more images.'
    )
    return joined([about, table(f'{named.key}-details', f'{named.title}: intervals and seeds', columns, rows)])


def _detail_row(name: str, scored: ScoreTable) -> list[Cell | str]:
    values, interval = scored.seeds[name], scored.intervals[name]
    spread = deviation(values)
    return [
        name,
        score_words(scored.score),
        Cell(percent(mean(values)), mean(values)),
        Cell(percent(spread), spread),
        Cell(interval_text(interval), interval.low),
        Cell(percent(interval.seed_error), interval.seed_error),
        Cell(percent(interval.image_error), interval.image_error),
        Cell(', '.join(percent(value) for value in values), class_='number'),
    ]
