"""Plots: what plots.js draws them of, and the same in words and tables for those who do not see them."""

from collections.abc import Sequence
from typing import Any

from swin_dense.comparison.html.cost_tables import FRONT_WORDS, GIGA, MEGA, front_words
from swin_dense.comparison.html.groups import Named, curves_of, listed_names, score_words
from swin_dense.comparison.html.markup import Html, data_block, element, folded, section
from swin_dense.comparison.html.numerals import UNKNOWN, decimal, interval_text, mean, mean_and_deviation, percent
from swin_dense.comparison.html.tables import Cell, Column, table
from swin_dense.comparison.results import Comparison, Curve, ModelCosts, ScoreTable

AXES = {
    'latency_p50_ms': ('Latency p50 (ms)', 1.0, 1),
    'macs': ('MACs (G)', GIGA, 2),
    'parameters': ('Parameters (M)', MEGA, 2),
}
_FALLBACK = 'This plot is drawn by JavaScript. Its numbers are in the table below.'


def trade_offs(comparison: Comparison, groups: list[Named]) -> Html:
    """Headline score against each cost, and the front of those that no other model beats in both."""
    parts = [part for named in groups for part in _scatters(comparison, named)]
    lead = element(
        'p',
        'Higher and further left is better. Bars are the 95 % intervals of the scores; a line joins the models on the '
        'Pareto front.',
    )
    return section('trade-offs', 'Quality against cost', *([lead, *parts] if parts else [element('p', 'No costs.')]))


def learning_curves(comparison: Comparison, groups: list[Named]) -> Html:
    parts = [part for named in groups for part in _curves(comparison, named)]
    lead = element('p', 'One line a run: a colour, dash and marker for each model, one line for each of its seeds.')
    return section(
        'curves', 'Learning curves', *([lead, *parts] if parts else [element('p', 'No run logged any quantity.')])
    )


def _scatters(comparison: Comparison, named: Named) -> list[Html]:
    headline, group = named.headline, named.group
    measured = {name: comparison.costs[name] for name in group.models if name in comparison.costs}
    if headline is None or not measured:
        return []
    words = score_words(headline.score)
    values = {
        'score': f'{words} (%)',
        'models': [_point(place, name, headline, measured.get(name), named) for place, name in enumerate(group.models)],
        'axes': {cost: title for cost, (title, _, _) in AXES.items()},
        'fronts': {cost: list(group.pareto.get(cost, ())) for cost in AXES},
    }
    drawn = [
        _figure(f'{named.key}-{cost}', 'scatter', f'{named.key}-points', _scatter_words(named, cost, measured), cost)
        for cost in AXES
        if any(getattr(each, cost) is not None for each in measured.values())
    ]
    return [
        element('h3', named.title),
        element('div', *drawn, class_='plots'),
        folded('Numbers of these plots', _points_table(named, headline, measured)),
        data_block(f'{named.key}-points', values),
    ]


def _point(place: int, name: str, headline: ScoreTable, found: ModelCosts | None, named: Named) -> dict[str, Any]:
    values, interval = headline.seeds[name], headline.intervals[name]
    front = front_words(named.group, name)
    lines = [
        name,
        f'{score_words(headline.score)}: {mean_and_deviation(values)}',
        f'95 % interval: {interval_text(interval)}',
        f'seeds: {", ".join(percent(value) for value in values)}',
        *(f'{title}: {_cost_text(found, cost)}' for cost, (title, _, _) in AXES.items()),
        f'on the front for {front}' if front else 'on no front',
    ]
    return {
        'name': name,
        'style': place,
        'score': 100 * mean(values),
        'low': 100 * interval.low,
        'high': 100 * interval.high,
        'lines': lines,
        'costs': {cost: _cost(found, cost) for cost in AXES},
    }


def _cost(found: ModelCosts | None, cost: str) -> float | None:
    value = getattr(found, cost) if found is not None else None
    return None if value is None else value / AXES[cost][1]


def _cost_text(found: ModelCosts | None, cost: str) -> str:
    return decimal(_cost(found, cost), AXES[cost][2])


def _scatter_words(named: Named, cost: str, measured: dict[str, ModelCosts]) -> str:
    headline = named.headline
    assert headline is not None
    words = f'{named.title}: {score_words(headline.score)} against {AXES[cost][0]}.'
    if front := named.group.pareto.get(cost):
        words += f' On the front: {listed_names(front)}.'
    missing = [name for name in headline.seeds if name not in measured or getattr(measured[name], cost) is None]
    return words + (f' Not shown, for it was not measured: {listed_names(missing)}.' if missing else '')


def _points_table(named: Named, headline: ScoreTable, measured: dict[str, ModelCosts]) -> Html:
    columns = [
        Column('Model', numeric=False),
        Column(score_words(headline.score)),
        Column('Low'),
        Column('High'),
        *(Column(title) for title, _, _ in AXES.values()),
        Column('On the front for', numeric=False),
    ]
    rows: list[list[Cell | str]] = []
    for name in named.group.models:
        score, interval, found = mean(headline.seeds[name]), headline.intervals[name], measured.get(name)
        rows.append(
            [
                name,
                Cell(percent(score), score),
                Cell(percent(interval.low), interval.low),
                Cell(percent(interval.high), interval.high),
                *(Cell(_cost_text(found, cost), getattr(found, cost, None)) for cost in AXES),
                front_words(named.group, name) or UNKNOWN,
            ]
        )
    costs = ', '.join(FRONT_WORDS.values())
    return table(f'{named.key}-points-table', f'{named.title}: score against {costs}', columns, rows)


def _curves(comparison: Comparison, named: Named) -> list[Html]:
    found = curves_of(comparison, named.group)
    quantities = list(dict.fromkeys(curve.quantity for curve in found))
    if not quantities:
        return []
    chosen = _shown_first(found, named)
    select = f'{named.key}-quantity'
    options = [element('option', each, value=each, selected=each == chosen) for each in quantities]
    about = f'{named.title}: learning curves of {listed_names(named.group.models)}, iterations to the right.'
    styles = {name: place for place, name in enumerate(named.group.models)}
    values = {'chosen': chosen, 'curves': [_curve(each, styles) for each in found]}
    return [
        element('h3', named.title),
        element(
            'div',
            element('label', 'Quantity', for_=select),
            element('select', *options, id=select, data_plot=f'{named.key}-curves'),
            class_='filter',
            hidden=True,
        ),
        _figure(f'{named.key}-curves', 'curves', f'{named.key}-logged', about, None),
        folded('Where the curves begin and end', _curves_table(named, found)),
        data_block(f'{named.key}-logged', values),
    ]


def _shown_first(found: Sequence[Curve], named: Named) -> str:
    """The headline score; the loss, or else what was logged most often, where a single validation makes no curve."""
    lengths: dict[str, int] = {}
    for curve in found:
        lengths[curve.quantity] = max(lengths.get(curve.quantity, 0), len(curve.steps))
    for name in (each for each in lengths if named.headline and each.endswith(named.headline.score)):
        if lengths[name] > 1:
            return name
    return 'loss' if lengths.get('loss', 0) > 1 else max(lengths, key=lambda name: lengths[name])


def _curve(curve: Curve, styles: dict[str, int]) -> dict[str, Any]:
    return {
        'model': curve.model,
        'style': styles[curve.model],
        'seed': curve.seed,
        'quantity': curve.quantity,
        'steps': list(curve.steps),
        'values': [float(value) for value in curve.values],
    }


def _curves_table(named: Named, found: Sequence[Curve]) -> Html:
    columns = [
        Column('Model', numeric=False),
        Column('Seed'),
        Column('Quantity', numeric=False),
        Column('Values'),
        Column('Last iteration'),
        *(Column(each) for each in ('First', 'Last', 'Lowest', 'Highest')),
    ]
    return table(
        f'{named.key}-curves-table', f'{named.title}: learning curves', columns, [_ends(each) for each in found]
    )


def _ends(curve: Curve) -> list[Cell | str]:
    defined = [float(value) for value in curve.values if value == value]  # NaN is what diverged
    shown = (curve.values[0], curve.values[-1]) if len(curve.values) else (None, None)
    ends = (*shown, min(defined, default=None), max(defined, default=None))
    last = curve.steps[-1] if len(curve.steps) else None
    return [
        curve.model,
        Cell(str(curve.seed), curve.seed),
        curve.quantity,
        Cell(str(len(curve.values)), len(curve.values)),
        Cell(decimal(last, 0), last),
        *(Cell(decimal(value, 4), value) for value in ends),
    ]


def _figure(key: str, kind: str, values: str, words: str, cost: str | None) -> Html:
    drawn = element(
        'div',
        element('p', _FALLBACK, class_='fallback'),
        id=key,
        class_=f'plot {kind}',
        role='img',
        aria_label=words,
        data_kind=kind,
        data_values=values,
        data_cost=cost,
    )
    return element('figure', drawn, element('figcaption', words))
