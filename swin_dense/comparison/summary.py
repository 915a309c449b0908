"""From records of runs to what can be said of their models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from swin_dense.comparison.intervals import ModelScores, model_interval
from swin_dense.comparison.pareto import pareto_front
from swin_dense.comparison.results import Comparison, Curve, Group, ModelCosts, PublishedRow, RunRecord, ScoreTable
from swin_dense.comparison.run_scores import RunScores, TestSet, scores_of_runs
from swin_dense.comparison.verdicts import corrected_together, verdicts

PARETO_COSTS = ('latency_p50_ms', 'macs', 'parameters')
_FEW_IMAGES = 10


def summarise(
    records: Sequence[RunRecord],
    costs: Mapping[str, ModelCosts],
    *,
    title: str,
    command: str,
    date: str,
    allowed: Sequence[str] = (),
    curves: Sequence[Curve] = (),
    versions: Mapping[str, str],
    notes: Sequence[str] = (),
    published: Sequence[PublishedRow] = (),
) -> Comparison:
    """Put finished runs of one task, recipe and data into groups, and say in each what differs from what.

    Raises:
        ValueError: what runs kept of each image is damaged, or does not fit together.
    """
    groups = []
    told = [*notes, *_missing(records)]
    for same in _groups(records):
        group, more = _group(same, costs)
        groups.append(group)
        told += more
    return Comparison(
        title=title,
        command=command,
        date=date,
        runs=records,
        costs=costs,
        groups=groups,
        allowed=allowed,
        versions=versions,
        curves=curves,
        published=published,
        notes=list(dict.fromkeys(told)),
    )


def _groups(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Finished runs by task, recipe and data; models in the order of the records, seeds rising."""
    found: dict[tuple[str, str, str], list[RunRecord]] = {}
    order = {name: place for place, name in enumerate(dict.fromkeys(record.name for record in records))}
    for record in sorted(records, key=lambda record: (order[record.name], record.seed)):
        if record.state == 'finished':
            found.setdefault((record.task, record.recipe, record.data), []).append(record)
    return list(found.values())


def _missing(records: Sequence[RunRecord]) -> Iterator[str]:
    for name in dict.fromkeys(record.name for record in records):
        runs = [record for record in records if record.name == name]
        finished = [record for record in runs if record.state == 'finished']
        if len(finished) < len(runs):
            others = ', '.join(f'seed {run.seed} {run.state}' for run in runs if run.state != 'finished')
            yield f'{name}: {len(finished)} of {len(runs)} runs have results ({others}); its scores are of those alone'


def _group(records: Sequence[RunRecord], costs: Mapping[str, ModelCosts]) -> tuple[Group, list[str]]:
    test_set, runs = scores_of_runs(records)
    first = records[0]
    scores: list[ScoreTable] = []
    undefined: list[ScoreTable] = []
    of_all, of_some = _shared([run.scores for run in runs])
    for name in of_all:
        table = _table(name, _model_scores(records, [run.scores[name] for run in runs], test_set))
        (scores if _is_defined(table) else undefined).append(table)
    headline = {model: float(np.mean(values)) for model, values in scores[0].seeds.items()} if scores else {}
    names = list(dict.fromkeys(record.name for record in records))
    kinds, _ = _shared([run.by_class for run in runs])
    group = Group(
        recipe=first.recipe,
        data=first.data,
        task=first.task,
        models=names,
        scores=scores,
        class_scores=[table for kind in kinds for table in _class_tables(kind, records, runs, test_set)],
        num_images=len(test_set.images),
        pareto={cost: _front(headline, costs, cost) for cost in PARETO_COSTS},
    )
    return group, [*_lacking(of_some, first.task), *_undefined(undefined, first.task), *_rare(test_set, first.task)]


def _shared(names: Sequence[Mapping[str, object]]) -> tuple[list[str], list[str]]:
    """Names that are in all, and those that are not, in their order."""
    every = list(dict.fromkeys(name for each in names for name in each))
    of_all = [name for name in every if all(name in each for each in names)]
    return of_all, [name for name in every if name not in of_all]


def _model_scores(records: Sequence[RunRecord], values: Sequence[np.ndarray], test_set: TestSet) -> list[ModelScores]:
    """By model; `values` are (1 + resamples,) of each run."""
    models = []
    for name in dict.fromkeys(record.name for record in records):
        own = np.stack([value for record, value in zip(records, values, strict=True) if record.name == name])
        models.append(ModelScores(name=name, values=own[:, 0], resampled=own[:, 1:], num_images=len(test_set.images)))
    return models


def _table(score: str, models: Sequence[ModelScores]) -> ScoreTable:
    return ScoreTable(
        score=score,
        seeds={model.name: model.values.tolist() for model in models},
        intervals={model.name: model_interval(model) for model in models},
        verdicts=verdicts(models),
    )


def _class_tables(
    kind: str, records: Sequence[RunRecord], runs: Sequence[RunScores], test_set: TestSet
) -> list[ScoreTable]:
    """One for each class that is in the test set; verdicts are corrected over all pairs of all classes."""
    tables = []
    for place, name in enumerate(test_set.images_of_class):
        values = [run.by_class[kind][:, place] for run in runs]
        table = _table(f'{kind}/{name}', _model_scores(records, values, test_set))
        if _is_defined(table):
            tables.append(table)
    corrected = corrected_together([table.verdicts for table in tables])
    return [replace(table, verdicts=those) for table, those in zip(tables, corrected, strict=True)]


def _is_defined(table: ScoreTable) -> bool:
    return bool(np.isfinite([value for values in table.seeds.values() for value in values]).all())


def _front(headline: Mapping[str, float], costs: Mapping[str, ModelCosts], cost: str) -> list[str]:
    known = {name: value for name in headline if name in costs and (value := getattr(costs[name], cost)) is not None}
    return pareto_front(headline, known)


def _lacking(names: Sequence[str], task: str) -> list[str]:
    return [f'{task}: {", ".join(names)} left out, for not all models have them'] if names else []


def _undefined(tables: Sequence[ScoreTable], task: str) -> list[str]:
    if not tables:
        return []
    names = ', '.join(table.score for table in tables)
    return [f'{task}: {names} left out, for the test set has no object that they are of']


def _rare(test_set: TestSet, task: str) -> list[str]:
    rare = {name: count for name, count in test_set.images_of_class.items() if 0 < count < _FEW_IMAGES}
    if not rare:
        return []
    shown = ', '.join(f'{name} in {count}' for name, count in list(rare.items())[:10])
    more = f' and {len(rare) - 10} classes more' if len(rare) > 10 else ''
    return [
        f'{task}: some classes are in fewer than {_FEW_IMAGES} test images ({shown}{more}); intervals are then too '
        'narrow (in simulations those of 95 % contain the truth in 87 to 94 %)'
    ]
