"""What a comparison would do, and how long it may take by what was measured so far."""

import json
from pathlib import Path

from swin_dense.comparison.collecting import last_step, train_hours
from swin_dense.comparison.plan import Plan, PlannedRun
from swin_dense.comparison.progress import duration, training_length
from swin_dense.comparison.run_commands import RESULTS
from swin_dense.comparison.run_folders import look

_START_SECONDS = 20.0  # imports, data and model, for training and for the test


def plan_text(plan: Plan, *, jobs: int) -> str:
    """A line for each run with its state and time, then the sum; for `--dry-run`."""
    rows, seconds, unknown = [], 0.0, 0
    for run in plan.runs:
        found = look(run.folder)
        state = {
            'finished': 'finished',
            'waiting': 'to run',
            'interrupted': f'goes on at iteration {found.iteration}',
            'failed': f'failed before, tried again at iteration {found.iteration}',
        }[found.state]
        expected = 0.0 if found.state == 'finished' else seconds_left(run, plan, found.iteration)
        seconds += expected or 0.0
        unknown += expected is None
        time = '' if found.state == 'finished' else 'time unknown' if expected is None else f'~ {duration(expected)}'
        rows.append((run.title, state, time, str(run.folder)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    total = f'{duration(seconds / jobs)} with {jobs} at once, by the seconds of an iteration that runs here logged'
    if unknown:
        total = f'{"more than " + total if seconds else "unknown"}: {unknown} runs of configs that never ran here'
    return '\n'.join([*lines, f'{len(rows)} runs; time: {total}'])


def seconds_left(run: PlannedRun, plan: Plan, iteration: int) -> float | None:
    """Of training and test, from runs of the same config, the run itself included; None where none has logged."""
    length, is_epochs = training_length(run.model.cfg.get('train_cfg'))
    same = [run, *(each for each in plan.runs if each.model is run.model)]
    test = next((seconds for each in same if (seconds := _test_seconds(each.folder)) is not None), 0.0)
    for other in same:
        hours, (step, epoch) = train_hours(other.folder), last_step(other.folder)
        if hours is not None and length:
            whole = length * (step / epoch if is_epochs and epoch else 1)
            return hours * 3600 / step * max(whole - iteration, 0) + test + 2 * _START_SECONDS
    return None


def _test_seconds(folder: Path) -> float | None:
    try:
        return float(json.loads((folder / RESULTS).read_text())['seconds'])
    except (OSError, ValueError, KeyError, TypeError):
        return None
