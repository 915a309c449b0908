"""One step of training, looked at from inside: losses, gradients, weights afterwards, memory and time."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from swin_dense.checks.step_memory import StepMemory, counted_activations, state_memory
from swin_dense.engine.non_finite import first_bad_part
from swin_dense.engine.states import bare

_TIMING_SECONDS = 5.0
_MOST_FIRST_SECONDS = 15.0  # of a first step that is followed by another one for its time


@dataclass
class Step:
    """What a step did.

    Attributes:
        images: size of its batch.
        losses: name -> value, the sum as `loss`.
        seconds: of forward, backward and update.
        without_gradient: names of parameters that should have one.
        bad_gradients: names of parameters whose gradient is NaN or infinite; empty where losses are scaled (fp16).
        bad_weights: names of parameters that are not finite after the update.
        bad_part: where non-finite losses begin, in words; '' for finite ones.
        rates: learning rates of the update, lowest and highest.
    """

    images: int
    losses: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    without_gradient: list[str] = field(default_factory=list)
    bad_gradients: list[str] = field(default_factory=list)
    bad_weights: list[str] = field(default_factory=list)
    bad_part: str = ''
    rates: tuple[float, float] = (0.0, 0.0)
    memory: StepMemory = field(default_factory=StepMemory)


def take_step(model: Any, optim_wrapper: Any, batch: Any) -> Step:
    """Train on a batch as training would, and look at all of it."""
    model.train()
    device = next(model.parameters()).device
    step = Step(images=len(batch['inputs']), rates=_rates(optim_wrapper))
    memory = StepMemory()
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    with _watched_backward(model, optim_wrapper, batch, step), counted_activations(model, memory):
        losses = model.train_step(batch, optim_wrapper)
    _wait_for(device)
    step.seconds = time.perf_counter() - start
    step.losses = {name: torch.as_tensor(value).float().mean().item() for name, value in losses.items()}
    step.bad_weights = [
        name for name, parameter in bare(model).named_parameters() if not torch.isfinite(parameter).all()
    ]
    step.memory = state_memory(model, optim_wrapper)
    step.memory.activations = memory.activations
    if device.type == 'cuda':
        step.memory.measured_peak = torch.cuda.max_memory_allocated(device)
    return step


def later_seconds(model: Any, optim_wrapper: Any, batches: list[Any], *, first: float) -> list[float]:
    """Seconds of plain steps after the first, which took `first` seconds and is slower: it is watched, and all is new.

    There is one step for each of `batches`, as many as begin within 5 s of all steps; the first of them is taken where
    it will not take long.
    """
    device = next(model.parameters()).device
    taken: list[float] = []
    for batch in batches:
        if first + sum(taken) > (_TIMING_SECONDS if taken else _MOST_FIRST_SECONDS):
            break
        start = time.perf_counter()
        model.train_step(batch, optim_wrapper)
        _wait_for(device)
        taken.append(time.perf_counter() - start)
    return taken


def overfit(model: Any, optim_wrapper: Any, batch: Any, *, steps: int) -> tuple[float, float]:
    """Train on one batch again and again, at the config's rate after a short warm-up; gives the first and last loss.

    The last is the median of the last tenth of the steps.
    """
    model.train()
    groups = [group for each in _wrappers(optim_wrapper) for group in each.optimizer.param_groups]
    full_rates = [group.get('initial_lr', group['lr']) for group in groups]
    losses = []
    for number in range(steps):
        warm = min(1.0, (number + 1) / max(1, steps // 4))
        for group, rate in zip(groups, full_rates, strict=True):
            group['lr'] = rate * warm
        losses.append(float(model.train_step(batch, optim_wrapper)['loss']))
    return losses[0], statistics.median(losses[-max(1, steps // 10) :])


def first_images(batch: Any, count: int) -> Any:
    """The batch with its first `count` samples only."""
    if isinstance(batch, dict):
        return {key: first_images(value, count) for key, value in batch.items()}
    return batch[:count]


@contextmanager
def _watched_backward(model: nn.Module, optim_wrapper: Any, batch: Any, step: Step) -> Iterator[None]:
    """Note what is wrong with loss and gradients before the update, which clips and clears them and spoils weights."""

    def watch(wrapper: Any) -> None:
        plain = wrapper.backward

        def backward(loss: Any, **kwargs: Any) -> None:
            plain(loss, **kwargs)
            if not torch.isfinite(loss).all():
                step.bad_part = first_bad_part(bare(model), batch, wrapper)
            scaler = getattr(wrapper, 'loss_scaler', None)
            _note_gradients(bare(model), step, are_scaled=scaler is not None and scaler.is_enabled())

        wrapper.backward = backward

    wrappers = _wrappers(optim_wrapper)
    for each in wrappers:
        watch(each)
    try:
        yield
    finally:
        for each in wrappers:
            del each.backward


def _note_gradients(model: nn.Module, step: Step, *, are_scaled: bool) -> None:
    trained = [(name, p.grad) for name, p in model.named_parameters() if p.requires_grad]
    step.without_gradient = [name for name, gradient in trained if gradient is None]
    if not are_scaled:  # the first scales are tried out: they overflow, and the update is left out
        step.bad_gradients = [name for name, g in trained if g is not None and not g.isfinite().all()]


def _wrappers(optim_wrapper: Any) -> list[Any]:
    return list(optim_wrapper.values()) if hasattr(optim_wrapper, 'values') else [optim_wrapper]


def _rates(optim_wrapper: Any) -> tuple[float, float]:
    rates = [group['lr'] for each in _wrappers(optim_wrapper) for group in each.optimizer.param_groups]
    return min(rates), max(rates)


def _wait_for(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
