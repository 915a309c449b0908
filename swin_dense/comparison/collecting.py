"""Run folders as records: what was measured, with what, and how long it took."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swin_dense.comparison.classification_scores import classification_scores
from swin_dense.comparison.coco_scores import coco_scores
from swin_dense.comparison.comparable import collected_recipe, planned_recipe, trained_values
from swin_dense.comparison.plan import PlannedRun, unique_names
from swin_dense.comparison.results import Curve, RunRecord
from swin_dense.comparison.run_commands import PER_IMAGE, RESULTS
from swin_dense.comparison.run_folders import look
from swin_dense.comparison.segmentation_scores import segmentation_scores
from swin_dense.comparison.tasks import CLASSIFICATION, DETECTION, SEGMENTATION
from swin_dense.engine.metrics_hook import FILE as METRICS
from swin_dense.engine.per_image import CLASSES, CONFUSION
from swin_dense.evaluation.class_data import load_class_data
from swin_dense.evaluation.confusion import load_confusion_data
from swin_dense.evaluation.match_data import load_match_data

_KINDS = ('bbox', 'segm')
# of the clock, or of one moment of the machine: no curve of learning
_NOT_LEARNING = ('time', 'data_time', 'memory', 'step', 'epoch')


def planned_record(run: PlannedRun, allowed: Sequence[str] = ()) -> RunRecord:
    """The record of a run of this comparison, as far as it is.

    Raises:
        ValueError: its results are damaged, or of another recipe or seed than the run is now.
    """
    found = look(run.folder)
    if found.state == 'finished':
        results = _results(run.folder)
        if results.get('seed') != run.seed:
            raise ValueError(f'{run.folder / RESULTS} is of seed {results.get("seed")}, not {run.seed}. Delete it.')
        recipe = planned_recipe(results, run.model, allowed)
        return _finished(run.folder, results, name=run.model.name, config=run.model.config, recipe=recipe)
    return RunRecord(
        name=run.model.name,
        config=run.model.config,
        seed=run.seed,
        folder=run.folder,
        state=found.state,
        reason=found.reason,
        task=run.model.task,
    )


@dataclass(frozen=True)
class Collected:
    """A run that was made elsewhere, and the values of the config it was trained with, where they are known."""

    record: RunRecord
    values: Mapping[str, Any] | None


def collect(
    folders: Sequence[Path], allowed: Sequence[str] = (), *, others: Mapping[str, str] | None = None
) -> list[Collected]:
    """Records of any work dirs that were tested; the name is that of the config.

    Args:
        others: path -> name of configs of the same comparison; a run of one of them has its name.

    Raises:
        ValueError: a folder has no results, none of each image, or two have the same config and seed.
    """
    told = [_results(folder) for folder in folders]
    names = _names([each['config'] for each in told], others or {})
    found: dict[tuple[str, int], Collected] = {}
    for folder, results in zip(folders, told, strict=True):
        _refuse_untold(folder, results)
        values = trained_values(folder)
        recipe = collected_recipe(results, values, allowed)
        record = _finished(folder, results, name=names[results['config']], config=results['config'], recipe=recipe)
        before = found.setdefault((record.name, record.seed), Collected(record, values)).record
        if before is not record:
            raise ValueError(
                f'{before.folder} and {folder} are runs of one config with one seed: {record.name}, {record.seed}. '
                'They are one run to the statistics; leave one of them out.'
            )
    return list(found.values())


def _names(configs: Sequence[str], others: Mapping[str, str]) -> dict[str, str]:
    """Path as it was written -> name; ways to write one path have one name."""
    resolved = {config: str(Path(config).resolve()) for config in (*others, *configs)}
    by_path = {path: name for name, path in unique_names(list(dict.fromkeys(resolved.values()))).items()}
    return {config: by_path[path] for config, path in resolved.items()} | {
        config: name for config in configs for other, name in others.items() if resolved[other] == resolved[config]
    }


def _refuse_untold(folder: Path, results: Mapping[str, Any]) -> None:
    needed = ('seed', 'recipe_fingerprint', 'trained_recipe_fingerprint', 'trained_data_fingerprint')
    if missing := [name for name in needed if results.get(name) is None]:
        raise ValueError(
            f'{folder / RESULTS} has no {", ".join(missing)}: it cannot be told what the run may be compared with. Its '
            'checkpoint or the test is older than that; train and test it again.'
        )


def _finished(folder: Path, results: Mapping[str, Any], *, name: str, config: str, recipe: str) -> RunRecord:
    task, by_class = _classes_scores(folder, results)
    protocol = results['protocol']
    return RunRecord(
        name=name,
        config=config,
        seed=int(results['seed']),
        folder=folder,
        state='finished',
        task=task,
        metrics={key: value for key, value in results['metrics'].items() if key not in _NOT_LEARNING},
        by_class=by_class,
        recipe=recipe,
        data=f'{results["trained_data_fingerprint"]}-{protocol["data_fingerprint"]}',
        protocol=protocol,
        train_hours=train_hours(folder),
    )


def _results(folder: Path) -> dict[str, Any]:
    path = folder / RESULTS
    try:
        results = json.loads(path.read_text())
        if not (isinstance(results['metrics'], dict) and isinstance(results['protocol'], dict)):
            raise TypeError('metrics or protocol is no object')
        results['config']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path} is no file of tools/test.py --out: {error!r}. Make it: python tools/test.py CONFIG {folder} '
            f'--out {path} --per-image {folder / PER_IMAGE}'
        ) from error
    return results


def _classes_scores(folder: Path, results: Mapping[str, Any]) -> tuple[str, dict[str, dict[str, float | None]]]:
    """Task, and scores by class from what was kept of each image."""
    names = results['protocol'].get('classes') or ()
    per_image = folder / PER_IMAGE
    if (path := per_image / f'{CONFUSION}.npz').is_file():
        confusion = load_confusion_data(path)
        scores = segmentation_scores(confusion, np.ones((1, len(confusion.image_names))))
        by_class = {'IoU': scores['IoU_by_class'][0], 'Acc': scores['Acc_by_class'][0]}
        return SEGMENTATION, {score: _named(names, values, path) for score, values in by_class.items()}
    if (path := per_image / f'{CLASSES}.npz').is_file():
        classes = load_class_data(path)
        accuracies = classification_scores(classes, np.ones((1, len(classes.labels))))['Acc_by_class'][0]
        return CLASSIFICATION, {'Acc': _named(names, accuracies, path)}
    found = {}
    for kind in _KINDS:
        if (path := per_image / f'{kind}.npz').is_file():
            matches = load_match_data(path)
            values = coco_scores(matches, np.ones((1, len(matches.image_ids))))['AP_by_class'][0]
            found[f'{kind}_AP'] = _named(names, values, path)
    if not found:
        raise ValueError(
            f'{per_image} has nothing of each image, which intervals need. Test the run again: python tools/test.py '
            f'{results["config"]} {folder} --out {folder / RESULTS} --per-image {per_image}'
        )
    return DETECTION, found


def _named(names: Sequence[str], values: np.ndarray, path: Path) -> dict[str, float | None]:
    if len(names) != len(values):
        raise ValueError(
            f'{path} has {len(values)} classes, {RESULTS} beside it {len(names)}: they are of two tests. Test again.'
        )
    return {name: None if math.isnan(value) else float(value) for name, value in zip(names, values, strict=True)}


def train_hours(folder: Path) -> float | None:
    """Hours of training iterations, without validation and start: the logged seconds of an iteration, times their
    number. None where nothing was logged.
    """
    seconds, before = 0.0, 0
    for line in _lines(folder):
        if line.get('mode') == 'train' and isinstance(line.get('time'), (int, float)):
            seconds += line['time'] * (line['step'] - before)
            before = line['step']
    return seconds / 3600 if before else None


def last_step(folder: Path) -> tuple[int, float | None]:
    """The last logged training iteration, and the epoch it is in where there are epochs."""
    lines = [line for line in _lines(folder) if line.get('mode') == 'train']
    return (lines[-1]['step'], lines[-1].get('epoch')) if lines else (0, None)


def curves(records: Sequence[RunRecord]) -> list[Curve]:
    """Everything that was logged while the runs trained."""
    return [curve for record in records for curve in _curves(record)]


def _curves(record: RunRecord) -> Iterator[Curve]:
    points: dict[str, dict[int, float]] = {}
    for line in _lines(record.folder):
        for name, value in line.items():
            if name not in _NOT_LEARNING and isinstance(value, (int, float)) and not isinstance(value, bool):
                points.setdefault(name, {})[line['step']] = float(value)
    for quantity, values in points.items():
        ordered = sorted(values)
        yield Curve(
            model=record.name,
            seed=record.seed,
            quantity=quantity,
            steps=ordered,
            values=[values[step] for step in ordered],
        )


def _lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl that are whole: the last one of a run that was killed may not be."""
    try:
        text = (folder / METRICS).read_text(encoding='utf-8')
    except OSError:
        return []
    lines = []
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get('step'), int):
            lines.append(found)
    return lines
