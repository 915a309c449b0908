"""Runs, published numbers, and what is needed to make all of it again."""

from collections.abc import Sequence

from swin_dense.comparison.html.groups import Named
from swin_dense.comparison.html.markup import Html, element, folded, joined, section
from swin_dense.comparison.html.numerals import UNKNOWN, decimal
from swin_dense.comparison.html.tables import Cell, Column, table
from swin_dense.comparison.results import Comparison, PublishedRow, RunRecord


def runs(comparison: Comparison) -> Html:
    """All runs, and the metrics of those that have some, a table for each task: tasks share no metrics."""
    columns = [
        Column('Model', numeric=False),
        Column('Seed'),
        Column('State', numeric=False),
        Column('Task', numeric=False),
        Column('Training (hours)'),
        Column('Config', numeric=False),
        Column('Reason', numeric=False),
    ]
    rows = [_run_row(run) for run in comparison.runs]
    failed = [run for run in comparison.runs if run.reason]
    parts = [table('runs-table', 'All runs', columns, rows), *(_reason(run) for run in failed)]
    for number, task in enumerate(dict.fromkeys(run.task for run in comparison.runs if run.metrics)):
        those = [run for run in comparison.runs if run.task == task and run.metrics]
        parts.append(folded(f'Metrics of each run: {task}', _metrics_table(number, task, those)))
    return section('runs', 'Runs', *parts)


def published(rows: Sequence[PublishedRow]) -> Html | None:
    if not rows:
        return None
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    columns = [
        Column('Model', numeric=False),
        Column('Recipe', numeric=False),
        *(Column(f'{name} (%)') for name in names),
        Column('Parameters (M)'),
        Column('MACs (G)'),
        Column('Source', numeric=False),
    ]
    drawn = table(
        'published-table', 'Published, not measured here', columns, [_published_row(row, names) for row in rows]
    )
    warning = element(
        'p',
        element('strong', 'Published, not measured here, no part of the statistics.'),
        ' Other data, recipes and hardware than in the rest of this report: not to be compared with its numbers.',
        class_='warning',
    )
    return section('published', 'Published numbers', warning, drawn)


def provenance(comparison: Comparison, groups: list[Named]) -> Html:
    prints = [
        Column('Group', numeric=False),
        Column('Recipe', numeric=False),
        Column('Data', numeric=False),
        Column('Test images'),
        Column('Models', numeric=False),
    ]
    rows = [_fingerprint_row(named) for named in groups]
    versions = [[name, version] for name, version in comparison.versions.items()]
    return section(
        'provenance',
        'How to make it again',
        element('pre', element('code', comparison.command), tabindex='0', aria_label='command'),
        element('h3', 'Fingerprints'),
        element('p', 'Runs of one recipe and data are ranked together, and no others.'),
        table('fingerprints', 'Recipe and data of each group', prints, rows),
        element('h3', 'Versions'),
        table(
            'versions',
            'Versions of packages',
            [Column('Package', numeric=False), Column('Version', numeric=False)],
            versions,
        ),
    )


def _run_row(run: RunRecord) -> list[Cell | str]:
    last = ' '.join(run.reason.strip().splitlines()[-2:]) or UNKNOWN  # all of it is told below
    return [
        run.name,
        Cell(str(run.seed), run.seed),
        Cell(run.state, class_=f'word {run.state}'),
        run.task or UNKNOWN,
        Cell(decimal(run.train_hours, 3), run.train_hours),
        element('code', run.config),
        Cell(last, class_='wide'),
    ]


def _reason(run: RunRecord) -> Html:
    said = element('pre', run.reason, tabindex='0', aria_label=f'reason of {run.name}, seed {run.seed}')
    return folded(f'{run.name}, seed {run.seed} {run.state}: what it said', said)


def _metrics_table(number: int, task: str, those: Sequence[RunRecord]) -> Html:
    names = list(dict.fromkeys(name for run in those for name in run.metrics))
    columns = [Column('Model', numeric=False), Column('Seed'), *(Column(name) for name in names)]
    rows: list[list[Cell | str]] = [
        [
            run.name,
            Cell(str(run.seed), run.seed),
            *(Cell(decimal(run.metrics.get(name), 4), run.metrics.get(name)) for name in names),
        ]
        for run in those
    ]
    about = element('p', 'As the test wrote them: AP as fractions, IoU and accuracy in percent.')
    return joined([about, table(f'metrics-{number}', f'Metrics of each run: {task}', columns, rows, heads=1)])


def _published_row(row: PublishedRow, names: Sequence[str]) -> list[Cell | str]:
    return [
        row.model,
        row.recipe,
        *(Cell(decimal(row.metrics.get(name), 1), row.metrics.get(name)) for name in names),
        Cell(decimal(row.parameters, 1, unit=1e6), row.parameters),
        Cell(decimal(row.macs, 1, unit=1e9), row.macs),
        Cell(row.source, class_='wide'),
    ]


def _fingerprint_row(named: Named) -> list[Cell | str]:
    group = named.group
    return [
        named.title,
        element('code', group.recipe),
        element('code', group.data),
        Cell(decimal(group.num_images or None, 0), group.num_images or None),
        Cell(', '.join(group.models), class_='wide'),
    ]
