"""Memory at the peak of inference and of a training step: what a model, its weights included, has to have.

On a GPU the allocator tells. On a CPU it is resident memory, of a process made for it: in one that worked before, freed
memory would be used again and seen nowhere. What libraries take when they are first called counts in neither.
"""

import ctypes
import gc
import multiprocessing
import os
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from swin_dense.checks.isolation import silent
from swin_dense.checks.step_memory import StepMemory, free_memory
from swin_dense.checks.trial import trial
from swin_dense.checks.trial_step import first_images, take_step
from swin_dense.comparison.predictions import MeasuredModel, predict
from swin_dense.costs.measurement import ResidentPeak
from swin_dense.engine.training import use_autocast

MOST_STEP_SECONDS = 60.0  # of a training step on a CPU
_CHILD_SECONDS = 600
_WARM_SIDE = 64  # pixels
_PRELOADED = ['swin_dense.comparison.peak_memory', 'mmdet.models', 'mmseg.models']


class UnmeasuredError(Exception):
    """Its text is the reason."""


def inference_memory(measured: MeasuredModel) -> int:
    """Bytes at the peak of predicting one image."""
    return _in_clean_memory(_inference_bytes, measured)


def training_memory(measured: MeasuredModel) -> int:
    """Bytes at the peak of the second step of training, when the optimiser has its state: real data, a whole batch."""
    if not measured.values.get('train_dataloader') or 'module' in measured.values['model']:
        raise UnmeasuredError('the config is for testing alone')
    return _in_clean_memory(_training_bytes, measured)


def _in_clean_memory(function: Callable[[MeasuredModel], int], measured: MeasuredModel) -> int:
    if torch.device(measured.device).type != 'cuda':
        return _in_new_process(function, measured)
    try:
        return function(measured)
    except torch.OutOfMemoryError:
        pass  # the exception holds what has to be freed
    gc.collect()
    torch.cuda.empty_cache()
    raise UnmeasuredError('the memory of the device is too small')


def _in_new_process(function: Callable[[MeasuredModel], int], measured: MeasuredModel) -> int:
    # a server that has imported all and worked on nothing, and of which each child is a copy
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(_PRELOADED)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, function, measured, torch.get_num_threads()))
    child.start()
    sender.close()
    try:
        found = receiver.recv() if receiver.poll(_CHILD_SECONDS) else f'it took longer than {_CHILD_SECONDS} s'
    except EOFError:
        child.join()
        found = f'the process that measured ended with code {child.exitcode} (-9: too little memory)'
    finally:
        child.join(1)
        child.kill()
        child.join()
    if isinstance(found, str):
        raise UnmeasuredError(found)
    return found


def _send(sender: Any, function: Callable[[MeasuredModel], int], measured: MeasuredModel, threads: int) -> None:
    os.environ['CUDA_VISIBLE_DEVICES'] = ''  # training takes what there is
    torch.set_num_threads(threads)
    try:
        found: int | str = function(measured)
    except Exception as error:
        found = str(error) if isinstance(error, UnmeasuredError) else f'{type(error).__name__}: {error}'
    sender.send(found)


def _inference_bytes(measured: MeasuredModel) -> int:
    model = measured.build()
    _call_libraries(model, measured.device)
    batch = measured.image.batch(1)
    return state_bytes(model) + _growth(lambda: predict(model, batch, measured.precision), measured.device)


def _training_bytes(measured: MeasuredModel) -> int:
    cfg = measured.cfg
    # no workers: what they load is not the model's
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.train_dataloader.pop('prefetch_factor', None)
    if measured.precision != 'fp32':
        use_autocast(cfg, measured.precision)
    with trial(cfg) as made, silent():
        model = made.build_runner().model.to(measured.device)
        loader: Any = made.build_train_loader()
        if hasattr(loader.batch_sampler, 'start'):
            loader.batch_sampler.start(cycle=0, batch=0)
        batch = next(iter(loader))
        wrapper = made.build_optimizer()
        model.train()
        _call_libraries(model, measured.device)
        if torch.device(measured.device).type == 'cpu':
            _try_few(model, wrapper, batch)

        def steps() -> None:
            for _ in range(2):
                model.train_step(batch, wrapper)

        return state_bytes(model) + _growth(steps, measured.device)


def _try_few(model: Any, wrapper: Any, batch: Any) -> None:
    """Refuse a step that two images of it say to be too long, or too large: the system would end other processes, too.

    Leaves no gradients and no state of the optimiser behind: they belong to what is measured.
    """
    count = len(batch['inputs'])
    step = take_step(model, wrapper, first_images(batch, min(2, count)))
    factor = count / step.images
    memory = StepMemory(**{**vars(step.memory), 'activations': round(step.memory.activations * factor)})
    free = free_memory(torch.device('cpu'))
    if free is not None and memory.peak > free:
        raise UnmeasuredError(
            f'a step of {count} images needs about {memory.peak / 1e9:.0f} GB; {free / 1e9:.0f} are free'
        )
    if step.seconds * factor > MOST_STEP_SECONDS:
        raise UnmeasuredError(f'a step of {count} images takes about {step.seconds * factor:.0f} s on this CPU')
    wrapper.zero_grad(set_to_none=True)
    wrapper.optimizer.state.clear()


def state_bytes(model: nn.Module) -> int:
    """Of parameters and buffers."""
    return sum(each.numel() * each.element_size() for each in (*model.parameters(), *model.buffers()))


def _call_libraries(model: Any, device: str) -> None:
    with torch.no_grad():
        model.backbone(torch.zeros(2, 3, _WARM_SIDE, _WARM_SIDE, device=device))


def _growth(run: Callable[[], Any], device: str) -> int:
    gc.collect()
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    _return_freed_memory()
    with ResidentPeak() as peak:
        run()
    return peak.grown


def _return_freed_memory() -> None:
    library = ctypes.CDLL(None) if sys.platform == 'linux' else None
    trim = getattr(library, 'malloc_trim', None)  # of glibc
    if trim is not None:
        trim(0)
