"""What each model costs, where and in which numbers that was measured, and which models are on a front."""

from collections.abc import Mapping, Sequence

from swin_dense.comparison.html.groups import Named, listed_names, without_group
from swin_dense.comparison.html.markup import Html, element, joined, listed, section
from swin_dense.comparison.html.numerals import UNKNOWN, decimal, is_known, mean
from swin_dense.comparison.html.tables import Cell, Column, table
from swin_dense.comparison.results import Comparison, Group, ModelCosts

MEGA, GIGA, MEBI = 1e6, 1e9, 2.0**20
_TIMES = '\N{MULTIPLICATION SIGN}'
FRONT_WORDS = {'latency_p50_ms': 'latency', 'macs': 'MACs', 'parameters': 'parameters'}
_COLUMNS = [
    Column('Model', numeric=False),
    Column('Best trade-off', numeric=False, title='No other model of the group is both better and cheaper.'),
    Column('Parameters (M)'),
    Column('of the backbone (M)'),
    Column('MACs (G)'),
    Column('of the backbone (G)'),
    Column('Latency p50 (ms)', title='of one image; ± is the distance of the quartiles of rounds'),
    Column('Latency p95 (ms)'),
    Column('Throughput (images/s)', title='at the best batch; ± is the distance of the quartiles of rounds'),
    Column('Best batch'),
    Column('Memory, inference (MiB)'),
    Column('Memory, training (MiB)'),
    Column('Energy (J/image)'),
    Column('Training (hours)', title='mean over runs'),
]


def costs(comparison: Comparison, groups: list[Named]) -> Html:
    parts: list[Html] = []
    if not comparison.costs:
        parts.append(element('p', 'Costs were not measured.'))
    for named in groups:
        parts += _group(comparison, named.key, named.title, named.group.models, named.group)
    if others := without_group(comparison):
        parts += _group(comparison, 'unranked', 'Models without results', others, None)
    return section('costs', 'Costs', *parts)


def _group(comparison: Comparison, key: str, title: str, models: Sequence[str], group: Group | None) -> list[Html]:
    measured = [name for name in models if name in comparison.costs]
    hours = {name: _hours(comparison, name, group) for name in models}
    if not measured and not any(is_known(value) for value in hours.values()):
        return []
    rows = [_row(name, comparison.costs.get(name), hours[name], group) for name in models]
    notes = cost_notes({name: comparison.costs[name] for name in measured})
    return [
        element('h3', title),
        *(element('p', told) for told in conditions([comparison.costs[name] for name in measured])),
        *([_fronts(group)] if group is not None and measured else []),
        table(f'{key}-costs', f'{title}: costs', _COLUMNS, rows),
        listed(notes, class_='notes') if notes else Html(),
    ]


def conditions(measured: Sequence[ModelCosts]) -> list[str]:
    """Where costs were measured; a line for each device, precision and size."""
    found = dict.fromkeys((each.device, each.precision, each.image_size) for each in measured)
    return [
        f'Measured on {device} in {precision}, on images of {size[0]} {_TIMES} {size[1]} pixels (height first).'
        for device, precision, size in found
    ]


def cost_notes(measured: Mapping[str, ModelCosts]) -> list[str]:
    """Each note once, with the models that it is of; without names where it is of all."""
    models: dict[str, list[str]] = {}
    for name, costs in measured.items():
        for note in costs.notes:
            models.setdefault(note, []).append(name)
    return [
        note if 1 < len(names) == len(measured) else f'{listed_names(names)}: {note}' for note, names in models.items()
    ]


def front_words(group: Group, name: str) -> str:
    """Costs for which the model is on the front, in words."""
    return listed_names([words for cost, words in FRONT_WORDS.items() if name in group.pareto.get(cost, ())])


def _fronts(group: Group) -> Html:
    told = [
        f'For {words}: {listed_names(group.pareto[cost])}.'
        for cost, words in FRONT_WORDS.items()
        if group.pareto.get(cost)
    ]
    lead = (
        'Best trade-offs (Pareto front): no other model of the group has both a higher headline score and a lower cost.'
    )
    return joined([element('p', lead), listed(told)]) if told else Html()


def _hours(comparison: Comparison, name: str, group: Group | None) -> float:
    runs = [
        run
        for run in comparison.runs
        if run.name == name and (group is None or (run.recipe, run.data) == (group.recipe, group.data))
    ]
    return mean([run.train_hours for run in runs if run.train_hours is not None])


def _row(name: str, found: ModelCosts | None, hours: float, group: Group | None) -> list[Cell | str]:
    front = front_words(group, name) if group is not None else ''
    training = Cell(decimal(hours, 2 if hours >= 1 else 3), hours)
    if found is None:
        return [name, front or UNKNOWN, *(Cell(UNKNOWN) for _ in _COLUMNS[3:]), training]
    return [
        name,
        Cell(f'★ {front}' if front else UNKNOWN, class_='front' if front else None),
        Cell(decimal(found.parameters, 2, unit=MEGA), found.parameters),
        Cell(decimal(found.backbone_parameters, 2, unit=MEGA), found.backbone_parameters),
        Cell(decimal(found.macs, 2, unit=GIGA), found.macs),
        Cell(decimal(found.backbone_macs, 2, unit=GIGA), found.backbone_macs),
        Cell(_spread(found.latency_p50_ms, found.latency_spread_ms), found.latency_p50_ms),
        Cell(decimal(found.latency_p95_ms), found.latency_p95_ms),
        Cell(_spread(found.images_per_second, found.images_per_second_spread), found.images_per_second),
        Cell(decimal(found.best_batch, 0), found.best_batch),
        Cell(decimal(found.inference_memory_bytes, 0, unit=MEBI), found.inference_memory_bytes),
        Cell(decimal(found.training_memory_bytes, 0, unit=MEBI), found.training_memory_bytes),
        Cell(decimal(found.joules_per_image, 2), found.joules_per_image),
        training,
    ]


def _spread(value: float | None, spread: float | None) -> str:
    return decimal(value) + (f' ± {decimal(spread)}' if is_known(value) and is_known(spread) else '')
