"""Stops a run whose loss stays NaN or infinite, and names where it begins."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook

from swin_dense.engine.errors import TrainingError
from swin_dense.engine.states import bare
from swin_dense.registry import HOOKS


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Ends training after `max_consecutive` iterations in a row with a non-finite loss.

    swin_dense's optimiser wrappers leave such updates out, so the weights are still good, and running the last batch
    again shows the first module with a bad output.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self, *, max_consecutive: int = 5) -> None:
        self.max_consecutive = max_consecutive
        self.consecutive = 0

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        # as numbers from the log: they are there already, and a GPU need not be waited for again
        logged = {name: runner.message_hub.get_scalar(f'train/{name}').current() for name in outputs or {}}
        bad = [name for name, value in logged.items() if not math.isfinite(value)]
        if not bad:
            self.consecutive = 0
            return
        self.consecutive += 1
        runner.logger.warning(f'iteration {runner.iter + 1}: {", ".join(bad)} not finite')
        if self.consecutive < self.max_consecutive:
            return
        cause = first_bad_part(bare(runner.model), data_batch, runner.optim_wrapper)
        raise TrainingError(
            f'the loss was not finite in {self.consecutive} iterations in a row, up to iteration {runner.iter + 1} '
            f'({", ".join(bad)}). It begins in {cause}. The last checkpoint in {runner.work_dir} is good. '
            'Usual remedies: a lower learning rate, clip_grad, bf16 in place of fp16, a look at the data.'
        )


def first_bad_part(model: Any, data_batch: Any, optim_wrapper: Any) -> str:
    """Name the first parameter, input or module output that is not finite."""
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            return f'the parameter {name}'
    data = model.data_preprocessor(data_batch, True)
    if not _all_finite(data):
        return 'the input images'
    found: list[str] = []
    with torch.no_grad(), _watched(model, found), optim_wrapper.optim_context(model):
        model._run_forward(data, mode='loss')
    return (
        f'the output of {found[0]}' if found else 'the loss functions (every module of the model gives finite values)'
    )


@contextmanager
def _watched(model: torch.nn.Module, found: list[str]) -> Iterator[None]:
    def watch(name: str, module: torch.nn.Module) -> Any:
        def note(module: torch.nn.Module, inputs: Any, output: Any) -> None:
            if not _all_finite(output):
                found.append(f'{name or "the model"} ({type(module).__name__})')

        return module.register_forward_hook(note)

    handles = [watch(name, module) for name, module in model.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _all_finite(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    if isinstance(value, Mapping):
        return all(_all_finite(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(_all_finite(item) for item in value)
    return True
