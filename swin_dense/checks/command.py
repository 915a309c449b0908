"""The work of `tools/check.py`, and the checks that training and testing start with."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process

from swin_dense.checks.class_counts import check_class_counts
from swin_dense.checks.classification import check_classification_data
from swin_dense.checks.config_keys import check_config_keys
from swin_dense.checks.dataset_configs import SPLITS
from swin_dense.checks.detection import check_detection_data
from swin_dense.checks.findings import Depth, Finding, by_severity
from swin_dense.checks.model_fit import check_model
from swin_dense.checks.report import report_text, write_fixes, write_report
from swin_dense.checks.segmentation import check_segmentation_data
from swin_dense.checks.settings import check_settings
from swin_dense.checks.variable_origins import Origins
from swin_dense.checks.worker_sockets import check_worker_sockets
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.config_options import put_options
from swin_dense.engine.errors import DEBUG_VARIABLE, FaultsFoundError, explain, is_users_fault
from swin_dense.engine.settings import load_config, restored_scope

# (config, splits, depth) -> findings
Check = Callable[[Config, Sequence[str], Depth], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    check_config_keys,
    check_settings,
    check_worker_sockets,
    check_class_counts,
    check_model,
    check_detection_data,
    check_segmentation_data,
    check_classification_data,
)
FAULTS_FOUND = 1


def check(
    config: str,
    *,
    depth: Depth = 'quick',
    out: str | None = None,
    fix_report: str | None = None,
    overfit_steps: int = 0,
    work_dir: str | None = None,
    cfg_options: dict[str, Any] | None = None,
) -> int:
    """Check `config` and its data, print what was found, write `report.json`; gives the exit code: 1 where errors are.

    Args:
        out: folder of the report and of pictures (default: `check` in the work dir).
        fix_report: file for every single place to mend, a line of JSON each.
        overfit_steps: at full depth, steps on one batch after which the loss has to have fallen; 0 for none.
        work_dir: of the run that is to come (default: as in training).
    """
    start = time.monotonic()
    run = Path(work_dir or Path('work_dirs', Path(config).stem))
    folder = Path(out or run / 'check')
    with restored_scope():
        cfg, findings = _read(config, cfg_options)
        if cfg is not None:
            cfg.work_dir = str(run)
            findings += find_faults(cfg, depth=depth)
        if cfg is not None and depth == 'full' and not _has_errors(findings):
            findings += try_run(cfg, folder, overfit_steps=overfit_steps, work_dir=run)
    print(report_text(findings))
    if cfg is None and out is None and not Path(config).is_file():
        return FAULTS_FOUND  # of a name that is misspelt; no folder for it
    write_report(folder / 'report.json', findings, config=config, depth=depth)
    print(f'{time.monotonic() - start:.1f} s at level {depth}; written to {folder / "report.json"}')
    if fix_report is not None:
        count = write_fixes(fix_report, findings)
        print(f'{count:,} places to look at: {fix_report}')
    return FAULTS_FOUND if _has_errors(findings) else 0


def find_faults(cfg: Config, *, splits: Sequence[str] = SPLITS, depth: Depth = 'quick') -> Iterator[Finding]:
    """Run all checks of a config and of the data sets of `splits` that it names."""
    origins = Origins(cfg)
    for each in CHECKS:
        try:
            yield from map(origins.told, each(cfg, splits, depth))
        except Exception as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            yield Finding(
                level='warning',
                rule='check-failed',
                message=f'{each.__name__} could not do its work: {type(error).__name__}: {error}',
                remedy=f'what it looks for may be there all the same; {DEBUG_VARIABLE}=1 shows the traceback.',
            )


def try_run(cfg: Config, folder: Path, *, overfit_steps: int, work_dir: Path) -> Iterator[Finding]:
    """Try what training will do: what is wrong then, and how much it takes."""
    # it builds what training builds; the quick checks, and so the start of training, need none of it
    from swin_dense.checks.readiness import check_readiness

    yield from check_readiness(cfg, folder, overfit_steps=overfit_steps, work_dir=work_dir)


def refuse_faults(cfg: Config, *, splits: Sequence[str]) -> list[str]:
    """Run the quick checks before anything is built, in the main process, for all of them.

    Returns: a line for each warning.
    Raises: FaultsFoundError with all errors.
    """
    findings: list[Any] = []
    if is_main_process():
        findings = by_severity(find_faults(cfg, splits=splits))
    shared = [[each.level, each.text(), f'{each.key}: {each.message}'.removeprefix(': ')] for each in findings]
    holder = [shared]
    broadcast_object_list(holder)  # an error of one process alone would leave the others waiting
    errors = [text for level, text, _ in holder[0] if level == 'error']
    if errors:
        count = f'{len(errors)} faults were' if len(errors) > 1 else 'a fault was'
        raise FaultsFoundError(
            f'{count} found before anything was built.\n' + '\n'.join(errors) + '\n'
            'tools/check.py CONFIG says more. --skip-checks starts all the same.'
        )
    return [f'check: {message}' for level, _, message in holder[0] if level == 'warning']


def _has_errors(findings: Sequence[Finding]) -> bool:
    return any(finding.level == 'error' for finding in findings)


def _read(config: str, cfg_options: dict[str, Any] | None) -> tuple[Config | None, list[Finding]]:
    try:
        cfg = load_config(config)
        put_options(cfg, cfg_options)  # misspelt keys are findings, like all others
        fill_classes(cfg)
        return cfg, []
    except Exception as error:
        if not is_users_fault(error) or os.environ.get(DEBUG_VARIABLE):
            raise
        remedy = 'mend this first: nothing else can be looked at before.'
        return None, [Finding(level='error', rule='config', file=config, message=explain(error), remedy=remedy)]
