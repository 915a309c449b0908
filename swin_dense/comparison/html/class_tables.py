"""Where models differ: by the size of objects and by class, as tables whose cells are shaded by the difference."""

from collections.abc import Sequence

from swin_dense.comparison.html.groups import Named, is_in, score_words
from swin_dense.comparison.html.markup import Html, element, folded, section
from swin_dense.comparison.html.numerals import is_known, mean, percent
from swin_dense.comparison.html.score_tables import verdict_table
from swin_dense.comparison.html.tables import Cell, Column, table
from swin_dense.comparison.results import Comparison, RunRecord

_SIZES = ('_s', '_m', '_l')
_FULL_SHADE = 0.1  # of a score: 10 points away from the mean of the models
_Rows = dict[str, dict[str, float]]


def sizes_and_classes(comparison: Comparison, groups: list[Named]) -> Html:
    parts = [part for named in groups for part in _group(comparison, named)]
    lead = element(
        'p',
        'Means over seeds in percent. In brackets and by shade: how far a model is from the mean of all models of the '
        'row, blue above it and orange below.',
    )
    return section(
        'classes', 'Sizes and classes', *([lead, *parts] if parts else [element('p', 'No run has such scores.')])
    )


def _group(comparison: Comparison, named: Named) -> list[Html]:
    group, parts = named.group, []
    sizes = {
        each.score: {name: mean(values) for name, values in each.seeds.items()}
        for each in group.scores
        if each.score.endswith(_SIZES)
    }
    if sizes:
        parts.append(
            _heat_table(f'{named.key}-sizes', f'{named.title}: by size of objects', 'Size', sizes, group.models)
        )
    if classes := _classes(comparison, named):
        drawn = _heat_table(f'{named.key}-classes', f'{named.title}: by class', 'Class', classes, group.models)
        parts.append(drawn)
    if any(each.verdicts for each in group.class_scores):
        caption = f'{named.title}: verdicts by class, corrected over all pairs of all classes'
        parts.append(
            folded('Verdicts by class', verdict_table(f'{named.key}-class-verdicts', caption, group.class_scores))
        )
    return [element('h3', named.title), *parts] if parts else []


def _classes(comparison: Comparison, named: Named) -> _Rows:
    """Of the statistics; what is not in them (accuracy of classes, undefined classes) is of the runs themselves."""
    group = named.group
    rows: _Rows = {
        each.score: {name: mean(values) for name, values in each.seeds.items()} for each in group.class_scores
    }
    runs = [run for run in comparison.runs if is_in(run, group)]
    kinds = {(kind, name): None for run in runs for kind, those in run.by_class.items() for name in those}
    for kind, name in kinds:
        rows.setdefault(f'{kind}/{name}', {model: _class_mean(runs, model, kind, name) for model in group.models})
    return rows


def _class_mean(runs: Sequence[RunRecord], model: str, kind: str, name: str) -> float:
    values = [run.by_class.get(kind, {}).get(name) for run in runs if run.name == model]
    return mean([value for value in values if value is not None])


def _heat_table(key: str, caption: str, head: str, rows: _Rows, models: Sequence[str]) -> Html:
    columns = [Column(head, numeric=False), *(Column(name) for name in models), Column('Widest gap')]
    return table(key, caption, columns, [_heat_row(score, values, models) for score, values in rows.items()])


def _heat_row(score: str, values: dict[str, float], models: Sequence[str]) -> list[Cell | str]:
    known = [value for value in values.values() if is_known(value)]
    middle, gap = mean(known), max(known) - min(known) if known else None
    cells = [_heat_cell(values.get(name), middle) for name in models]
    return [score_words(score), *cells, Cell(percent(gap), gap)]


def _heat_cell(value: float | None, middle: float) -> Cell:
    if value is None or not is_known(value):
        return Cell(percent(None))
    away = value - middle
    shade = min(abs(away) / _FULL_SHADE, 1)
    text = element('span', f' ({percent(away, signed=True)})', class_='away')
    return Cell(
        Html(f'{percent(value)}{text}'),
        value,
        style=f'--shade:{shade:.2f}',
        class_='heat ' + ('above' if away >= 0 else 'below'),
    )
