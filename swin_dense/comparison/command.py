"""The work of `tools/compare.py`: make the runs, then say what they show."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swin_dense.comparison.collecting import collected_records, planned_record
from swin_dense.comparison.estimates import plan_text
from swin_dense.comparison.execution import Execution, StoppedOnRequestError
from swin_dense.comparison.gpus import Places, places
from swin_dense.comparison.plan import Plan, PlannedRun, make_plan
from swin_dense.comparison.progress import Progress
from swin_dense.comparison.results import RunRecord
from swin_dense.comparison.rows import append_rows, row_of
from swin_dense.comparison.run_commands import RunOptions, option_words
from swin_dense.comparison.run_folders import look
from swin_dense.engine.interrupts import EXIT_CODE

ROWS = 'results.jsonl'
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
        ValueError: configs do not have one recipe, runs in the folder are of other configs, or results are damaged.
    """
    if not (request.configs or request.collect):
        raise ValueError('there is nothing to compare: name configs, or folders of finished runs with --collect.')
    plan = make_plan(
        request.configs,
        request.seeds,
        request.out,
        allowed=request.allowed,
        cfg_options=request.cfg_options,
        amp=request.amp,
    )
    where = places(request.jobs, gpus_per_run=request.gpus_per_run, launcher=request.launcher)
    collected = collected_records(request.collect)
    if request.dry_run:
        print(plan_text(plan, jobs=where.jobs))
        return 0
    is_whole = _make(plan, where, request)
    records = [*(planned_record(run) for run in plan.runs), *collected]
    _append(request.out, records)
    if not is_whole:
        print(f'stopped; go on with: {shlex.join(request.command)}', file=sys.stderr)
        return EXIT_CODE
    return _report(records, plan, request)


def _make(plan: Plan, where: Places, request: Request) -> bool:
    """Make the runs; gives False where that was stopped."""
    options = RunOptions(
        launcher=request.launcher,
        processes=request.gpus_per_run,
        cfg_options=option_words(request.cfg_options),
        skip_checks=request.skip_checks,
    )
    progress = Progress(plan.runs, sum(look(run.folder).state == 'finished' for run in plan.runs))

    def told(run: PlannedRun, what: str) -> None:
        progress.told(run, what)
        if what == 'finished' or what.startswith('failed'):
            _append(request.out, [planned_record(run)])

    try:
        Execution(options, jobs=where.jobs, gpus=where.gpus, told=told, idle=progress.idle).make(plan.runs)
    except StoppedOnRequestError:
        return False
    finally:
        progress.close()
    return True


def _append(out: Path, records: Sequence[RunRecord]) -> None:
    append_rows(out / ROWS, [row_of(record) for record in records if record.state in ('finished', 'failed')])


def _report(records: Sequence[RunRecord], plan: Plan, request: Request) -> int:
    # here, because it brings plotting, which no run needs
    from swin_dense.comparison.reporting import write_report

    write_report(records, plan, request)
    missing = [record for record in records if record.state != 'finished']
    for record in missing:
        print(f'{record.name} seed {record.seed}: {record.state}\n{record.reason}', file=sys.stderr)
    return SOME_FAILED if missing else 0
