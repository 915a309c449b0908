"""What a run will need of the machine, against what there is: memory, disk, shared memory, cores, time."""

import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import CheckpointHook, EMAHook

from swin_dense.checks.findings import Finding, Level
from swin_dense.checks.step_memory import StepMemory

SHARED_MEMORY = Path('/dev/shm')
_LITTLE = 0.9  # of what is free: beyond it, larger images of later batches may not fit
_MIB, _GIB = 2**20, 2**30


@dataclass(frozen=True)
class Times:
    """Seconds of one batch: in loading it with all workers, and in a step on it."""

    loading: float
    step: float
    waits: bool  # whether loading and the step take turns: no workers, or a CPU that does both
    is_first: bool = False  # whether the step is the first one, which is slower than all others

    @property
    def iteration(self) -> float:
        return self.loading + self.step if self.waits else max(self.loading, self.step)


def memory_findings(
    memory: StepMemory,
    *,
    images: int,
    free: int | None,
    device: torch.device,
    file: str,
    overflowed: bool = False,
) -> Iterator[Finding]:
    """Say whether a step on `images` images fits into `free` bytes, and if not, how many would.

    `overflowed`: it was tried, and the memory ran out, whatever the numbers say.
    """
    message = _says_memory(memory, images, device)
    key, value = 'train_dataloader.batch_size', images
    if free is None:
        yield Finding(level='ok', rule='training-memory', file=file, key=key, value=value, message=f'{message}.')
        return
    per_image = (memory.peak - memory.state) / images
    level: Level = 'ok'
    rule, more, remedy = 'training-memory', '', ''
    if overflowed or memory.peak > free:
        fitting = min(max(0, math.floor((free * _LITTLE - memory.state) / per_image)), images - 1)
        level, rule, remedy = 'error', 'memory-too-small', _smaller_batch(images, fitting)
    elif memory.peak > free * _LITTLE:
        level, rule, remedy = 'warning', 'memory-nearly-full', _smaller_batch(images, images - 1)
        more = ', and a batch of larger images or more objects takes more'
    message = f'{message}; {_size(free)} are free{more}.'
    yield Finding(level=level, rule=rule, file=file, key=key, value=value, message=message, remedy=remedy)


def _says_memory(memory: StepMemory, images: int, device: torch.device) -> str:
    how = 'measured' if memory.measured_peak else 'estimated'
    parts = (
        f'parameters {_size(memory.parameters)}, gradients {_size(memory.gradients)}, optimiser '
        f'{_size(memory.optimizer)}, {_size((memory.peak - memory.state) / images)} an image'
    )
    return (
        f'a step on {counted(images, "image")} takes {_size(memory.peak)} of memory on {device.type} ({how}: {parts})'
    )


def _smaller_batch(images: int, fitting: int) -> str:
    others = (
        "optim_wrapper = dict(type='swin_dense.AutocastOptimWrapper', dtype='bf16'), "
        'model.backbone.activation_checkpointing=True, smaller images, or a larger device'
    )
    if fitting < 1:
        return f'not even one image fits: {others}.'
    return (
        f'train_dataloader.batch_size={fitting} with optim_wrapper.accumulative_counts={-(-images // fitting)} comes '
        f'near the same batch; or {others}.'
    )


def disk_findings(runner: Any, memory: StepMemory, work_dir: Path, file: str) -> Iterator[Finding]:
    """Compare the checkpoints that will lie in `work_dir` at a time with the free space there."""
    place = next(folder for folder in (work_dir, *work_dir.absolute().parents) if folder.exists())
    hook = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
    if not place.is_dir() or not os.access(place, os.W_OK):
        yield Finding(
            level='error',
            rule='work-dir-not-writable',
            file=file,
            key='work_dir',
            value=str(work_dir),
            message=f'{place} is {"not writable" if place.is_dir() else "not a folder"}, and checkpoints go there.',
            remedy='choose another folder: --work-dir, or work_dir of the config.',
        )
    elif hook is not None:
        averages = sum(isinstance(each, EMAHook) for each in runner.hooks)
        one = memory.parameters * (1 + averages) + memory.optimizer * bool(hook.save_optimizer)
        yield _checkpoint_finding(hook, runner.train_loop, one, place, file)


def _checkpoint_finding(hook: CheckpointHook, loop: Any, one: int, place: Path, file: str) -> Finding:
    """Whether the checkpoints of a run, `one` bytes each, fit into `place`."""
    length = loop.max_epochs if hook.by_epoch else loop.max_iters
    all_of_them = max(1, -(-length // hook.interval)) if hook.interval > 0 else 1
    kept = min(hook.max_keep_ckpts, all_of_them) if hook.max_keep_ckpts > 0 else all_of_them
    best = len(hook.key_indicators) if hook.save_best else 0
    count = kept + best + 1  # an old file goes when the new one is there
    free = shutil.disk_usage(place).free
    fitting = free // one - best - 1
    remedy = 'make room there, or choose another --work-dir'
    is_enough = count * one <= free
    return Finding(
        level='ok' if is_enough else 'error',
        rule='checkpoint-disk' if is_enough else 'disk-too-small',
        file=file,
        key='default_hooks.checkpoint.max_keep_ckpts',
        value=hook.max_keep_ckpts,
        message=f'{counted(count, "checkpoint")} of {_size(one)} ({kept} kept{f", {best} best" if best else ""}, 1 '
        f'being written) take {_size(count * one)}, and {_size(free)} are free at {place}.',
        remedy=''
        if is_enough
        else (f'default_hooks.checkpoint.max_keep_ckpts={fitting}, or ' if fitting > 0 else '') + f'{remedy}.',
    )


def shared_memory_findings(loader_cfg: Any, batch_bytes: int, file: str) -> Iterator[Finding]:
    """Compare the batches that worker processes hold ready with the free shared memory."""
    workers = loader_cfg.get('num_workers') or 0
    if not workers or not SHARED_MEMORY.is_dir():
        return
    ahead = loader_cfg.get('prefetch_factor') or 2
    needed, free = batch_bytes * (ahead * workers + 1), shutil.disk_usage(SHARED_MEMORY).free
    key = 'train_dataloader.num_workers'
    message = (
        f'the {ahead * workers + 1} batches of {_size(batch_bytes)} that {counted(workers, "worker")} hold ready '
        f'take {_size(needed)} of shared memory, and {_size(free)} are free in {SHARED_MEMORY}'
    )
    if needed <= free:
        yield Finding(level='ok', rule='shared-memory', file=file, key=key, value=workers, message=f'{message}.')
        return
    fitting = max(0, int((free / batch_bytes - 1) // ahead))
    yield Finding(
        level='warning',
        rule='shared-memory-small',
        file=file,
        key=key,
        value=workers,
        message=f'{message}: workers may be killed by a bus error.',
        remedy=f'give the container more (docker run --shm-size={-(-needed * 2 // _GIB)}g, or --ipc=host), or set '
        f'train_dataloader.num_workers={fitting}.',
    )


def worker_findings(loader_cfg: Any, times: Times | None, device: torch.device, file: str) -> Iterator[Finding]:
    """Say where there are more workers than cores, or too few to keep a GPU busy."""
    workers, cores = loader_cfg.get('num_workers') or 0, usable_cores()
    key = 'train_dataloader.num_workers'
    if workers > cores:
        yield Finding(
            level='warning',
            rule='more-workers-than-cores',
            file=file,
            key=key,
            value=workers,
            message=f'{workers} worker processes for {cores} cores: they take turns, and each takes memory.',
            remedy=f'train_dataloader.num_workers={cores}, at most (divided by the processes of this machine).',
        )
    elif times and device.type != 'cpu' and times.loading > times.step and workers < cores:
        wanted = min(cores, max(workers + 1, math.ceil(max(workers, 1) * times.loading / times.step)))
        yield Finding(
            level='warning',
            rule='loading-slower-than-steps',
            file=file,
            key=key,
            value=workers,
            message=f'{workers} workers load a batch in {times.loading:.3f} s, a step takes {times.step:.3f} s: the '
            f'{device.type} waits for data.',
            remedy=f'train_dataloader.num_workers={wanted} of the {cores} cores.',
        )


def time_finding(runner: Any, times: Times, file: str) -> Finding:
    """Say how long an epoch and all of training take, validation left out."""
    epoch = len(runner.train_loop.dataloader)
    iterations = runner.train_loop.max_iters
    return Finding(
        level='ok',
        rule='training-time',
        file=file,
        key='train_cfg',
        value=iterations,
        message=f'{times.iteration:.2f} s an iteration (loading {times.loading:.3f} s, step {times.step:.3f} s): '
        f'{_duration(times.iteration * epoch)} an epoch of {epoch:,} iterations, '
        f'{_duration(times.iteration * iterations)} for all {iterations:,}, without validation, in one process'
        f'{"; from the first step alone, which is slower than others" if times.is_first else ""}.',
    )


def counted(count: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f'{count:,} {noun}' + ('' if count == 1 else 's')


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def _size(count: float) -> str:
    return f'{count / _GIB:.1f} GiB' if count >= _GIB else f'{count / _MIB:.1f} MiB'


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f'{seconds:.0f} s'
    if seconds < 7200:
        return f'{seconds / 60:.0f} min'
    return f'{seconds / 3600:.1f} h' if seconds < 172_800 else f'{seconds / 86_400:.1f} days'
