"""Energy of a GPU, as its driver counts it: NVML's total since the driver was loaded (Volta and later)."""

import time
from collections.abc import Callable
from typing import Any

import torch

from swin_dense.comparison.interleaving import Subject

SECONDS = 2.0


class EnergyMeter:
    """Reads the counter of one GPU; `of` says why there is none where there is none."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    @classmethod
    def of(cls, device: str) -> 'EnergyMeter | str':
        if torch.device(device).type != 'cuda':
            return 'energy is told by NVML, of NVIDIA GPUs alone'
        try:
            import pynvml
        except ImportError:
            return 'energy is told by NVML: pip install nvidia-ml-py'
        try:
            pynvml.nvmlInit()
            uuid = torch.cuda.get_device_properties(device).uuid
            meter = cls(pynvml, pynvml.nvmlDeviceGetHandleByUUID(f'GPU-{uuid}'))
            meter.joules()
        except pynvml.NVMLError as error:
            return f'NVML does not tell the energy of {device}: {error}'
        return meter

    def joules(self) -> float:
        return self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1e3


def joules_per_image(
    meter: Any,
    subject: Subject,
    images: int,
    *,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Of the whole board, what it takes when idle among it, while `subject` (so many images) is repeated."""
    start, before, done = clock(), meter.joules(), 0
    while done == 0 or clock() - start < seconds:
        subject.run(subject.prepare())
        done += images
    return (meter.joules() - before) / done
