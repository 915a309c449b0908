"""The command lines of a run: training, then testing, in processes of their own."""

import json
import os
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swin_dense.comparison.plan import PlannedRun

RESULTS = 'results.json'
PER_IMAGE = 'per_image'
TOOLS = Path(__file__).resolve().parents[2] / 'tools'
LAUNCHERS = ('none', 'torchrun', 'slurm')


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How runs are made.

    Args:
        launcher: `none`: processes of this machine; `torchrun`: the same, also for one GPU; `slurm`: steps of srun.
        cfg_options: words of `--cfg-options`.
        skip_checks: start without the quick checks of config and data.
        tools: folder of train.py and test.py.
    """

    launcher: str = 'none'
    cfg_options: Sequence[str] = ()
    skip_checks: bool = False
    tools: Path = TOOLS


@dataclass(frozen=True)
class Step:
    """One process of a run. Its exit code 0 means that it has done its part."""

    name: str
    command: Sequence[str]


def steps(run: PlannedRun, options: RunOptions) -> list[Step]:
    """Training to its end (nothing to do where it is there already), then the test that writes the results."""
    launched = _launched(run, options)
    script = [str(options.tools / name) for name in ('train.py', 'test.py')]
    end = ['--launcher', 'slurm'] if options.launcher == 'slurm' else []
    end += ['--skip-checks'] if options.skip_checks else []
    end += ['--cfg-options', *options.cfg_options] if options.cfg_options else []
    folder, config = str(run.folder), run.model.config
    amp = ['--amp', run.amp] if run.amp else []
    # --resume takes a word that follows, so an option follows it
    train = [script[0], config, '--work-dir', folder, '--resume', '--seed', str(run.seed), *amp, *end]
    outputs = ['--out', str(run.folder / RESULTS), '--per-image', str(run.folder / PER_IMAGE)]
    test = [script[1], config, folder, *outputs, *end]
    return [Step('training', [*launched, *train]), Step('test', [*launched, *test])]


def environment(run: PlannedRun, options: RunOptions, *, gpus: Sequence[str], threads: int) -> dict[str, str]:
    """Variables of a run: the GPUs it sees, and as many threads as are its share of the cores.

    Args:
        gpus: as CUDA_VISIBLE_DEVICES has them; none leaves the variable alone.
    """
    variables = dict(os.environ)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        variables.pop(name, None)
    if gpus:
        variables['CUDA_VISIBLE_DEVICES'] = ','.join(gpus)
    variables['PYTHONUNBUFFERED'] = '1'
    if options.launcher != 'slurm':
        variables.setdefault('OMP_NUM_THREADS', str(threads))
    else:
        # steps of one job have one job number, from which the port would follow
        variables['MASTER_PORT'] = str(20000 + zlib.crc32(run.title.encode()) % 20000)
    return variables


def option_words(cfg_options: dict[str, Any] | None) -> list[str]:
    """`--cfg-options` as words again."""
    return [
        f'{key}={value if isinstance(value, str) else _literal(value)}' for key, value in (cfg_options or {}).items()
    ]


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return f'({",".join(map(_literal, value))})'
    if isinstance(value, list):
        return f'[{",".join(map(_literal, value))}]'
    return json.dumps(value) if isinstance(value, float) else str(value)


def _launched(run: PlannedRun, options: RunOptions) -> list[str]:
    count = run.processes
    if options.launcher == 'slurm':
        name = f'--job-name={run.model.name}-{run.seed}'
        cores = os.environ.get('SLURM_CPUS_PER_TASK')  # srun does not take it over from the job
        share = ['--gpus-per-task=1', *([f'--cpus-per-task={cores}'] if cores else []), '--exact']
        return ['srun', f'--ntasks={count}', *share, name, sys.executable]
    if options.launcher == 'torchrun' or count > 1:
        return [sys.executable, '-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={count}']
    return [sys.executable]
