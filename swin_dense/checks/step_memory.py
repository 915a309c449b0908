"""Memory of a training step, in bytes: measured on a GPU, added up from its parts on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_CGROUP = Path('/sys/fs/cgroup')
# Gradients of maps and what operators need meanwhile, over what is saved: resident memory of a CPU grew by 1.32 (Mask
# R-CNN of the demo, 8 images) and 1.33 times the saved bytes (UPerNet, 16 images).
_MEANWHILE = 1.33


@dataclass
class StepMemory:
    """Memory that training holds at a time.

    Attributes:
        parameters, gradients, optimizer: of the model's state, buffers counted to the parameters.
        activations: what the forward pass keeps for the backward pass, images among it.
        measured_peak: of all of this and of what operators need meanwhile; None where it cannot be measured.
    """

    parameters: int = 0
    gradients: int = 0
    optimizer: int = 0
    activations: int = 0
    measured_peak: int | None = None

    @property
    def peak(self) -> int:
        """The most that is held at a time: measured, or estimated from the parts."""
        return self.measured_peak or self.state + round(_MEANWHILE * self.activations)

    @property
    def state(self) -> int:
        """What does not depend on the batch."""
        return self.parameters + self.gradients + self.optimizer


@contextmanager
def counted_activations(model: nn.Module, memory: StepMemory) -> Iterator[None]:
    """Add the bytes that autograd saves in the block to `memory`; views of one tensor and parameters count once."""
    seen = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            memory.activations += storage.nbytes()
        return tensor  # held until the backward pass, so no other tensor has its address meanwhile

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        yield


def state_memory(model: nn.Module, optim_wrapper: Any) -> StepMemory:
    """Bytes of parameters, gradients and optimiser; of gradients and states that are not there yet, as they will be."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    held = _bytes(model.parameters()) + _bytes(model.buffers())
    return StepMemory(parameters=held, gradients=_bytes(trained), optimizer=_optimizer_bytes(optim_wrapper, trained))


def free_memory(device: torch.device) -> int | None:
    """Bytes that this process may still take on `device`, those that it holds already not among them."""
    if device.type == 'cuda':
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min((value for value in (_free_of_system(), _free_of_container()) if value is not None), default=None)


def _optimizer_bytes(optim_wrapper: Any, trained: list[nn.Parameter]) -> int:
    wrappers = optim_wrapper.values() if hasattr(optim_wrapper, 'values') else [optim_wrapper]
    tensors = [
        value
        for wrapper in wrappers
        for state in wrapper.optimizer.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    ]
    return _bytes(tensors) if tensors else 2 * _bytes(trained)  # before the first step: two moments, as Adam has them


def _bytes(tensors: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _free_of_system() -> int | None:
    try:
        lines = dict(line.split(':') for line in Path('/proc/meminfo').read_text().splitlines())
        return int(lines['MemAvailable'].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def _free_of_container() -> int | None:
    """What the control group (of a container, of a job) leaves; caches of files, which give way, count as free."""
    try:
        limit = (_CGROUP / 'memory.max').read_text().strip()
        if limit == 'max':
            return None
        used = int((_CGROUP / 'memory.current').read_text())
        statistics = dict(line.split() for line in (_CGROUP / 'memory.stat').read_text().splitlines())
        return int(limit) - used + int(statistics.get('inactive_file', 0))
    except (OSError, ValueError):
        return None
