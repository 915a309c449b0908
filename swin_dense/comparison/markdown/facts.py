"""What models cost, what runs there were, pictures, published numbers, and what is needed to make all of it again."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from swin_dense.comparison.html.cost_tables import conditions, cost_notes
from swin_dense.comparison.html.groups import Named, is_in, listed_names, without_group
from swin_dense.comparison.html.numerals import UNKNOWN, decimal, is_known, mean
from swin_dense.comparison.markdown.text import Column, code, code_block, link, listed, plain, relative, table
from swin_dense.comparison.results import Comparison, Group, ModelCosts, PictureRow, PublishedRow, RunRecord

_FRONTS = {'latency_p50_ms': 'latency', 'macs': 'MACs', 'parameters': 'parameters'}
_MARK = '★'
_PICTURES = {
    'disagreement': 'Images where models disagree most',
    'receptive field': 'Receptive fields',
}
_COSTS = (
    'Parameters (M)',
    'MACs (G)',
    'Backbone parameters (M)',
    'Backbone MACs (G)',
    'Latency p50 (ms)',
    'Latency p95 (ms)',
    'Images/s (batch)',
    'Memory, inference (MiB)',
    'Memory, training (MiB)',
    'Energy (J/image)',
    'Training (hours)',
)


def costs(comparison: Comparison, groups: Sequence[Named]) -> list[str]:
    """Costs by group, with where they were measured."""
    if not comparison.costs:
        return ['## Costs', 'Costs were not measured.']
    blocks = [
        '## Costs',
        f'{_MARK}: on the Pareto front; no other model of the group has a headline score at least as high at a cost at '
        'most as high, and is better in one of the two. Latency is of one image; ± is the distance of the quartiles of '
        'rounds. MACs are multiply-adds of one image. Training hours are means over runs.',
    ]
    for named in groups:
        blocks += _costs_of(comparison, f'{named.title}: costs', named.group.models, named.group)
    if others := [name for name in without_group(comparison) if name in comparison.costs]:
        blocks += _costs_of(comparison, 'Models without results: costs', others, None)
    return blocks


def _costs_of(comparison: Comparison, title: str, models: Sequence[str], group: Group | None) -> list[str]:
    measured = [name for name in models if name in comparison.costs]
    if not measured:
        return [f'### {plain(title)}', 'Not measured.']
    rows = [_cost_row(comparison, name, group) for name in models]
    notes = cost_notes({name: comparison.costs[name] for name in measured})
    fronts = [
        f'Pareto front of score and {words}: {listed_names(group.pareto[cost])}'
        for cost, words in _FRONTS.items()
        if group is not None and group.pareto.get(cost)
    ]
    return [
        f'### {plain(title)}',
        '\n'.join(plain(line) for line in conditions([comparison.costs[name] for name in measured])),
        table([Column('Model', False), *map(Column, _COSTS)], rows),
        *([listed([*fronts, *notes])] if fronts or notes else []),
    ]


def _cost_row(comparison: Comparison, name: str, group: Group | None) -> list[str]:
    runs = [run for run in comparison.runs if run.name == name and (group is None or is_in(run, group))]
    hours = mean([run.train_hours for run in runs if run.train_hours is not None])
    trained = decimal(hours, 2 if hours >= 1 else 3)
    found = comparison.costs.get(name)
    if found is None:
        return [plain(name), *[UNKNOWN] * (len(_COSTS) - 1), trained]

    def marked(text: str, cost: str) -> str:
        is_on = group is not None and name in group.pareto.get(cost, ())
        return f'{_MARK} {text}' if is_on and text != UNKNOWN else text

    return [
        plain(name),
        marked(decimal(found.parameters, 2, unit=1e6), 'parameters'),
        marked(decimal(found.macs, 2, unit=1e9), 'macs'),
        decimal(found.backbone_parameters, 2, unit=1e6),
        decimal(found.backbone_macs, 2, unit=1e9),
        marked(_spread(found.latency_p50_ms, found.latency_spread_ms), 'latency_p50_ms'),
        decimal(found.latency_p95_ms),
        _throughput(found),
        decimal(found.inference_memory_bytes, 0, unit=2**20),
        decimal(found.training_memory_bytes, 0, unit=2**20),
        decimal(found.joules_per_image, 2),
        trained,
    ]


def _throughput(found: ModelCosts) -> str:
    if not is_known(found.images_per_second):
        return UNKNOWN
    return f'{_spread(found.images_per_second, found.images_per_second_spread)} ({decimal(found.best_batch, 0)})'


def _spread(value: float | None, spread: float | None) -> str:
    return decimal(value) + (f' ± {decimal(spread)}' if is_known(value) and is_known(spread) else '')


def runs(comparison: Comparison, folder: Path) -> list[str]:
    """Every run, and what those without results said."""
    columns = [
        Column('Model', False),
        Column('Seed'),
        Column('State', False),
        Column('Training (hours)'),
        Column('Config', False),
        Column('Folder', False),
    ]
    rows = [
        [
            plain(run.name),
            str(run.seed),
            run.state,
            decimal(run.train_hours, 3),
            code(_config(run, folder)),
            code(relative(run.folder, folder)),
        ]
        for run in comparison.runs
    ]
    failures = [block for run in comparison.runs if run.reason for block in _failure(run)]
    return ['## Runs', table(columns, rows), *failures]


def _config(run: RunRecord, folder: Path) -> str:
    """As it was given, if that is not a path of one machine."""
    return relative(Path(run.config), folder) if Path(run.config).is_absolute() else run.config


def _failure(run: RunRecord) -> list[str]:
    return [f'{plain(run.name)}, seed {run.seed}: {run.state}. It said:', code_block(run.reason, 'text')]


def pictures(rows: Sequence[PictureRow], folder: Path) -> list[str]:
    """A section for each kind; pictures of a row side by side."""
    blocks = []
    for kind, title in _PICTURES.items():
        if those := [row for row in rows if row.kind == kind]:
            blocks += [f'## {title}', *(block for row in those for block in _picture_row(row, folder))]
    return blocks


def _picture_row(row: PictureRow, folder: Path) -> list[str]:
    shown = [
        f'![{plain(row.descriptions.get(label, label))}]({link(path, folder)})' for label, path in row.pictures.items()
    ]
    side_by_side = table([Column(plain(label), False) for label in row.pictures], [shown])
    return [f'### {plain(row.title)}', plain(row.caption), side_by_side]


def published(rows: Sequence[PublishedRow]) -> list[str]:
    """Numbers of others, kept apart."""
    if not rows:
        return []
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    columns = [
        Column('Model', False),
        Column('Recipe', False),
        *(Column(f'{plain(name)} (%)') for name in names),
        Column('Parameters (M)'),
        Column('MACs (G)'),
        Column('Source', False),
    ]
    return [
        '## Published numbers',
        '**Published, not measured here, no part of the statistics.** Other data, recipes and hardware than in the '
        'rest of this report: not to be compared with its numbers.',
        table(columns, [_published_row(row, names) for row in rows]),
    ]


def _published_row(row: PublishedRow, names: Sequence[str]) -> list[str]:
    return [
        plain(row.model),
        plain(row.recipe),
        *(_as_published(row.metrics.get(name)) for name in names),
        decimal(row.parameters, 1, unit=1e6),
        decimal(row.macs, 1, unit=1e9),
        plain(row.source),
    ]


def _as_published(value: float | None) -> str:
    """With the digits that were published, one at least."""
    return UNKNOWN if value is None else str(float(value))


def provenance(comparison: Comparison, groups: Sequence[Named]) -> list[str]:
    """The command, fingerprints and versions."""
    prints = [Column('Group', False), *(Column(head, False) for head in ('Recipe', 'Data')), Column('Test images')]
    rows = [
        [
            plain(named.title),
            code(named.group.recipe),
            code(named.group.data),
            decimal(named.group.num_images or None, 0),
        ]
        for named in groups
    ]
    return [
        '## How to make it again',
        code_block(comparison.command, 'sh'),
        *(['Fingerprints: runs of one recipe and data are ranked together, and no others.'] if groups else []),
        *([table(prints, rows)] if groups else []),
        'Versions: ' + ', '.join(_versions(comparison)) + '.' if comparison.versions else '',
    ]


def _versions(comparison: Comparison) -> Iterator[str]:
    for name, version in comparison.versions.items():
        yield f'{plain(name)} {plain(version)}'
