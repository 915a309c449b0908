"""Starting processes: which launcher, which backend, the environment of reproducible runs."""

import gc
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed

LAUNCHERS = ('none', 'pytorch', 'slurm')
_TORCHRUN_VARIABLES = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')


def find_launcher(asked: str | None) -> str:
    """Give the launcher asked for, or torchrun's where its environment is there, or none."""
    if asked is not None:
        return asked
    return 'pytorch' if all(name in os.environ for name in _TORCHRUN_VARIABLES) else 'none'


@contextmanager
def process_group(launcher: str) -> Iterator[None]:
    """Join the other processes for the block: over NCCL with GPUs, over gloo without (mmengine's starts need GPUs)."""
    if launcher == 'none' or distributed.is_initialized():
        yield
        return
    if launcher == 'slurm':
        _set_variables_of_slurm()
    if missing := [name for name in _TORCHRUN_VARIABLES if name not in os.environ]:
        raise ValueError(
            f'--launcher {launcher} needs the environment of its launcher; {", ".join(missing)} not set. Start with:\n'
            'torchrun --nproc_per_node=GPUS tools/train.py CONFIG\nsrun python tools/train.py CONFIG --launcher slurm'
        )
    use_gpus = torch.cuda.is_available()
    if use_gpus:
        torch.cuda.set_device(int(os.environ['LOCAL_RANK']))
    distributed.init_process_group('nccl' if use_gpus else 'gloo')
    try:
        yield
    finally:
        distributed.destroy_process_group()
        # Threads of gloo end with the last reference to the group; the wrapped model, in a cycle, holds one. A thread
        # that is alive when the interpreter shuts down can abort the process, with all work done.
        gc.collect()


def _set_variables_of_slurm() -> None:
    needed = ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID', 'SLURM_NODELIST')
    if missing := [name for name in needed if name not in os.environ]:
        raise ValueError(f'--launcher slurm: {", ".join(missing)} not set. Start with srun.')
    os.environ['RANK'] = os.environ['SLURM_PROCID']
    os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
    os.environ['LOCAL_RANK'] = os.environ['SLURM_LOCALID']
    if 'MASTER_ADDR' not in os.environ:
        listing = ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']]
        os.environ['MASTER_ADDR'] = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()[
            0
        ]
    # jobs that share a node must not share a port
    os.environ.setdefault('MASTER_PORT', str(20000 + int(os.environ.get('SLURM_JOB_ID', '0')) % 20000))


def prepare_determinism() -> None:
    """Set what has to be set before CUDA starts for deterministic matrix products."""
    os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')


def use_deterministic_algorithms() -> None:
    """Take deterministic algorithms; an operation that has none warns with its name and runs all the same."""
    torch.use_deterministic_algorithms(True, warn_only=True)
