"""The work of `tools/compare.py`: make the runs, then say what they show."""

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swin_dense.comparison.collecting import Collected, collect, planned_record
from swin_dense.comparison.comparable import Told, tell_differences
from swin_dense.comparison.data_changes import refuse_changed_data
from swin_dense.comparison.estimates import plan_text
from swin_dense.comparison.execution import FAILED, FINISHED, Execution, StoppedOnRequestError
from swin_dense.comparison.gpus import Places, places
from swin_dense.comparison.plan import Plan, PlannedModel, PlannedRun, make_plan
from swin_dense.comparison.progress import Progress
from swin_dense.comparison.published import published_rows
from swin_dense.comparison.results import RunRecord
from swin_dense.comparison.rows import ROWS, append_rows, row_of
from swin_dense.comparison.run_commands import RunOptions, option_words
from swin_dense.comparison.run_folders import read_identity
from swin_dense.engine.interrupts import EXIT_CODE

SOME_FAILED = 1


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of the command; see the options of tools/compare.py.

    Args:
        command: words that ask the same again, for the report.
    """

    out: Path
    configs: Sequence[str] = ()
    seeds: Sequence[int] = (0, 1, 2)
    jobs: int | None = None
    gpus_per_run: int = 1
    launcher: str = 'none'
    allowed: Sequence[str] = ()
    dry_run: bool = False
    collect: Sequence[Path] = ()
    published: Sequence[str] = ()
    receptive_fields: bool = False
    costs: bool = True
    device: str | None = None
    amp: str | None = None
    cfg_options: dict[str, Any] | None = None
    skip_checks: bool = False
    title: str = 'Comparison of backbones'
    command: Sequence[str] = ()


def compare(request: Request) -> int:
    """Make what is missing of the runs, write rows and report; gives the exit code: 1 where a run failed.

    Raises:
        ValueError: configs do not have one recipe, runs in the folder are of other configs, results are damaged, or
            there is no published result of a name.
    """
    published_rows(request.published)  # a wrong name is told before the runs, not after them
    if not (request.configs or request.collect):
        raise ValueError('there is nothing to compare: name configs, or folders of finished runs with --collect.')
    plan = make_plan(
        request.configs,
        request.seeds,
        request.out,
        allowed=request.allowed,
        cfg_options=request.cfg_options,
        amp=request.amp,
        processes=request.gpus_per_run,
    )
    where = places(request.jobs, gpus_per_run=request.gpus_per_run, launcher=request.launcher)
    collected = collect(request.collect, request.allowed, others={model.config: model.name for model in plan.models})
    told = tell_differences(_recipes(plan, collected), request.allowed)
    if request.dry_run:
        print(plan_text(plan, jobs=where.jobs))
        print('\n'.join(['\ndiffers by --allow:', *told.allowed]) if told.allowed else '')
        return 0
    _refuse_twice([*(planned_record(run, request.allowed) for run in plan.runs), *(each.record for each in collected)])
    refuse_changed_data(plan)
    is_whole = _make(plan, where, request)
    records = [*(planned_record(run, request.allowed) for run in plan.runs), *(each.record for each in collected)]
    _append(request.out, records)
    if not is_whole:
        print(f'stopped; go on with: {shlex.join(request.command)}', file=sys.stderr)
        return EXIT_CODE
    return _report(records, plan, told, request)


def _recipes(plan: Plan, collected: Sequence[Collected]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """(name, task, values) of all runs; those made elsewhere may be several of one name."""
    known: list[tuple[str, str, Mapping[str, Any]]] = [(each.name, each.task, each.values) for each in plan.models]
    for each in collected:
        if each.values is not None and (row := (each.record.name, each.record.task, each.values)) not in known:
            known.append(row)
    return known


def _refuse_twice(records: Sequence[RunRecord]) -> None:
    counts = Counter((record.name, record.seed) for record in records)
    if twice := [f'{name} seed {seed}' for (name, seed), count in counts.items() if count > 1]:
        raise ValueError(
            f'{", ".join(twice)} would be in the comparison twice: made here and named by --collect. Leave one out.'
        )


def _make(plan: Plan, where: Places, request: Request) -> bool:
    """Make the runs; gives False where that was stopped."""
    options = RunOptions(
        launcher=request.launcher,
        cfg_options=option_words(request.cfg_options),
        skip_checks=request.skip_checks,
    )
    progress = Progress(plan.runs)

    def told(run: PlannedRun, what: str) -> None:
        progress.told(run, what)
        if what == FINISHED or what.startswith(FAILED):
            _append(request.out, [planned_record(run, request.allowed)])

    try:
        Execution(options, jobs=where.jobs, gpus=where.gpus, told=told, idle=progress.idle).make(plan.runs)
    except (StoppedOnRequestError, KeyboardInterrupt):
        return False
    finally:
        progress.close()
    return True


def _append(out: Path, records: Sequence[RunRecord]) -> None:
    append_rows(out / ROWS, [row_of(record) for record in records if record.state in ('finished', 'failed')])


def _report(records: Sequence[RunRecord], plan: Plan, told: Told, request: Request) -> int:
    from swin_dense.comparison.reporting import ReportRequest, write_reports  # brings plotting, which no run needs

    write_reports(
        records,
        ReportRequest(
            out=request.out,
            paths=_paths(records, [] if request.cfg_options else plan.models),
            configs={model.name: model.cfg for model in plan.models},
            title=request.title,
            command=shlex.join(request.command),
            allowed=told.allowed,
            notes=[*told.notes, *_side_by_side(records)],
            published=request.published,
            costs=request.costs,
            receptive_fields=request.receptive_fields,
            device=request.device,
            precision=request.amp or 'fp32',
        ),
    )
    missing = [record for record in records if record.state != 'finished']
    for record in missing:
        print(f'{record.name} seed {record.seed}: {record.state}\n{record.reason}', file=sys.stderr)
    return SOME_FAILED if missing else 0


def _paths(records: Sequence[RunRecord], models: Sequence[PlannedModel]) -> dict[str, Path]:
    """Config files by name: those of `models`, else what a run wrote into its folder: all values, as it had them."""
    paths = {record.name: Path(record.config) for record in records}
    for record in records:
        if record.state == 'finished' and (file := record.folder / 'config.py').is_file():
            paths[record.name] = file
    return {**paths, **{model.name: Path(model.config) for model in models}}


def _side_by_side(records: Sequence[RunRecord]) -> list[str]:
    most = max(((read_identity(record.folder) or {}).get('jobs', 1) for record in records), default=1)
    if most == 1:
        return []
    return [f'up to {most} runs were made at once: their training hours are those of runs that share a machine']
