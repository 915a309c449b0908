"""What can be concluded, in sentences and one small table a group."""

from swin_dense.comparison.html.groups import Named, score_words
from swin_dense.comparison.html.markup import Html, element, joined, listed, section
from swin_dense.comparison.html.numerals import UNKNOWN, deviation, interval_text, is_known, mean, percent
from swin_dense.comparison.html.tables import Cell, Column, table
from swin_dense.comparison.intervals import Interval
from swin_dense.comparison.results import Comparison, ScoreTable
from swin_dense.comparison.wording import METHOD, by_score, headline_verdicts


def conclusions(groups: list[Named]) -> Html:
    if not groups:
        return section('conclusions', 'What can be concluded', element('p', 'Nothing: no run has results.'))
    parts = [_group(named) for named in groups]
    if len(groups) > 1:
        parts.append(element('p', 'Groups have other tasks, recipes or data, and are never ranked together.'))
    return section('conclusions', 'What can be concluded', element('p', METHOD, class_='method'), *parts)


def differences(comparison: Comparison) -> Html:
    """What the reader must know before trusting a number: allowed differences, and notes."""
    parts: list[Html] = []
    if comparison.allowed:
        parts.append(element('p', 'Apart from the backbone, these settings differ between the models, by permission:'))
        parts.append(element('ul', *(_difference(told) for told in comparison.allowed), class_='allowed'))
    else:
        parts.append(
            element('p', 'No setting was allowed to differ within a group: one recipe apart from the backbone.')
        )
    if comparison.notes:
        parts.append(element('h3', 'Notes'))
        parts.append(
            element('ul', *(element('li', element('span', note, class_='lines')) for note in comparison.notes))
        )
    return section('differences', 'What differs, and what to know', *parts)


def _group(named: Named) -> Html:
    headline, group = named.headline, named.group
    prints = element('p', f'Recipe {group.recipe}, data {group.data}.', class_='method')
    title = joined([element('h3', named.title), prints])
    if headline is None:
        return joined([title, element('p', 'No score is defined for all runs.')])
    order = by_score(headline)
    tested = f' on {group.num_images} test images' if group.num_images else ''
    words = score_words(headline.score)
    rows = [_row(name, headline) for name in order]
    columns = [
        Column('Model', numeric=False),
        Column(words),
        Column('± sd'),
        Column('95 % interval'),
        Column('Interval drawn', numeric=False),
        Column('Seeds'),
    ]
    reasons = dict.fromkeys(verdict.reason for verdict in headline.verdicts if verdict.reason)
    return joined(
        [
            title,
            table(f'{named.key}-headline', f'{named.title}: {words}{tested}', columns, rows),
            listed(headline_verdicts(headline, order), class_='verdicts'),
            *(element('p', f'No verdict where {reason}.') for reason in reasons),
        ]
    )


def _row(name: str, table: ScoreTable) -> list[Cell | str]:
    values, interval = table.seeds[name], table.intervals[name]
    spread = deviation(values)
    ends = [end for each in table.intervals.values() for end in (each.low, each.high) if is_known(end)]
    return [
        name,
        Cell(percent(mean(values)), mean(values), class_='strong'),
        Cell(percent(spread), spread),
        Cell(interval_text(interval), interval.low),
        Cell(_drawn(interval, min(ends, default=0), max(ends, default=1)), interval.low),
        Cell(str(len(values)), len(values)),
    ]


def _drawn(interval: Interval, low: float, high: float) -> Html:
    """The interval as a bar on the scale that all models of the table share."""
    if not is_known(interval.low) or high <= low:
        return Html(UNKNOWN)
    left, middle, right = (
        100 * (value - low) / (high - low) for value in (interval.low, interval.estimate, interval.high)
    )
    return element(
        'span',
        element('span', class_='range', style=f'left:{left:.2f}%;width:{right - left:.2f}%'),
        element('span', class_='dot', style=f'left:{middle:.2f}%'),
        class_='bar',
        aria_hidden='true',
    )


def _difference(told: str) -> Html:
    key, *values = told.splitlines() or ['']
    return element('li', element('code', key), listed(values) if values else Html())
