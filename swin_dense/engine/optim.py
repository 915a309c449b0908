"""Optimiser wrappers: mmengine's, with updates by non-finite losses left out, and with autocast on any device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine import optim
from mmengine.dist import all_reduce, get_world_size
from torch.optim import Optimizer

from swin_dense.registry import OPTIM_WRAPPERS

DTYPES = {'bf16': torch.bfloat16, 'fp16': torch.float16, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(optim.OptimWrapper):
    """mmengine's OptimWrapper (same arguments) that never updates the weights by a loss that is NaN or infinite.

    With accumulation the whole window is left out. `skipped_updates` counts them and is logged once there are any.
    """

    def __init__(self, optimizer: Optimizer, accumulative_counts: int = 1, clip_grad: dict | None = None) -> None:
        super().__init__(optimizer, accumulative_counts, clip_grad)
        self.skipped_updates = 0
        self._window_is_finite: torch.Tensor | None = None  # 1 or 0, of all losses since the last update

    def update_params(
        self, loss: torch.Tensor, step_kwargs: dict | None = None, zero_kwargs: dict | None = None
    ) -> None:
        finite = torch.isfinite(loss.detach()).float()
        before = self._window_is_finite
        self._window_is_finite = finite if before is None else torch.minimum(before, finite)
        super().update_params(loss, step_kwargs, zero_kwargs)
        # mmengine's schedulers count the calls of `step` here, and warn when theirs comes first: not so in a window
        self._global_step = max(0, getattr(self, '_global_step', 0))

    def step(self, **kwargs: Any) -> None:
        # asked here and not before the backward pass: a GPU has that queued meanwhile
        if self._all_losses_were_finite():
            self._apply(**kwargs)
        else:
            self._skip()
        self._window_is_finite = None

    def _all_losses_were_finite(self) -> bool:
        finite = self._window_is_finite
        if finite is None:
            return True
        if get_world_size() > 1:  # gradients are averaged: one rank's NaN is everybody's
            all_reduce(finite, 'min')
        return bool(finite.item())

    def state_dict(self) -> dict:
        # gradients that wait for the end of a window are saved too, and not to be used if a loss among them was bad
        return {**super().state_dict(), 'window_is_finite': self._window_is_finite}

    def load_state_dict(self, state_dict: dict) -> None:
        state_dict = dict(state_dict)
        finite = state_dict.pop('window_is_finite', None)
        device = self.optimizer.param_groups[0]['params'][0].device
        self._window_is_finite = None if finite is None else finite.to(device)
        super().load_state_dict(state_dict)

    def _apply(self, **kwargs: Any) -> None:
        super().step(**kwargs)

    def _skip(self) -> None:
        self.skipped_updates += 1
        self.message_hub.update_scalar('train/skipped_updates', self.skipped_updates)


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Trains under `torch.autocast`, on CPU and GPU, with bf16 or fp16; fp16 losses are scaled (GradScaler)."""

    def __init__(
        self,
        optimizer: Optimizer,
        accumulative_counts: int = 1,
        clip_grad: dict | None = None,
        *,
        dtype: str = 'bf16',
    ) -> None:
        super().__init__(optimizer, accumulative_counts, clip_grad)
        if dtype not in DTYPES:
            raise ValueError(f'dtype of AutocastOptimWrapper is one of {", ".join(DTYPES)}, not {dtype!r}.')
        self.dtype = DTYPES[dtype]
        self.device = optimizer.param_groups[0]['params'][0].device.type
        self.loss_scaler = torch.amp.GradScaler(self.device, enabled=self.dtype is torch.float16)

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast(self.device, self.dtype):
            yield

    def backward(self, loss: torch.Tensor, **kwargs: Any) -> None:
        super().backward(self.loss_scaler.scale(loss), **kwargs)

    def _apply(self, **kwargs: Any) -> None:
        if not self.loss_scaler.is_enabled():
            super()._apply(**kwargs)
            return
        if self.clip_grad_kwargs:
            self.loss_scaler.unscale_(self.optimizer)
            self._clip_grad()
        scale = self.loss_scaler.get_scale()
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()
        if self.loss_scaler.get_scale() < scale:  # gradients overflowed: the scaler left the update out
            self._skip()

    def state_dict(self) -> dict:
        return {**super().state_dict(), 'loss_scaler': self.loss_scaler.state_dict()}

    def load_state_dict(self, state_dict: dict) -> None:
        state_dict = dict(state_dict)
        if scaler_state := state_dict.pop('loss_scaler', None):
            self.loss_scaler.load_state_dict(scaler_state)
        super().load_state_dict(state_dict)
