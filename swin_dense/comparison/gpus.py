"""How many runs at once, and on which GPUs."""

import os
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Places:
    """`jobs` runs at once, on `gpus` as CUDA_VISIBLE_DEVICES names them; no GPUs with slurm, which assigns its own."""

    jobs: int
    gpus: tuple[str, ...]


def places(jobs: int | None, *, gpus_per_run: int, launcher: str) -> Places:
    """As many runs at once as asked for, by default one for every `gpus_per_run` GPUs; one without GPUs.

    Raises:
        ValueError: a run needs more GPUs than there are, or runs of several GPUs would have to share them.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f'--jobs {jobs}: at least 1 run at a time.')
    if gpus_per_run < 1:
        raise ValueError(f'--gpus-per-run {gpus_per_run}: at least 1 process makes a run.')
    if launcher == 'slurm':
        return Places(jobs or 1, ())
    gpus = visible_gpus()
    if not gpus:
        return Places(jobs or 1, ())
    if gpus_per_run > len(gpus):
        raise ValueError(f'--gpus-per-run {gpus_per_run}: there are {len(gpus)} GPUs here ({", ".join(gpus)}).')
    most = len(gpus) // gpus_per_run
    if jobs is not None and jobs > most and gpus_per_run > 1:
        raise ValueError(
            f'--jobs {jobs} with --gpus-per-run {gpus_per_run} needs {jobs * gpus_per_run} GPUs; {len(gpus)} are here. '
            f'Use --jobs {most}.'
        )
    return Places(jobs or most, gpus)


def visible_gpus() -> tuple[str, ...]:
    """Names of the GPUs that this process may use."""
    if not torch.cuda.is_available():
        return ()
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return tuple(name.strip() for name in named.split(',') if name.strip())
    return tuple(map(str, range(torch.cuda.device_count())))
