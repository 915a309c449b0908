"""Latency and memory of a model, measured on the device that it is on."""

import resource
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from swin_dense.costs.counting import image_channels
from swin_dense.costs.parts import walk
from swin_dense.layers.windows import Extent

MIN_RUNS, MAX_RUNS, SECONDS = 5, 100, 10.0
_RESIDENT = Path('/proc/self/statm')


@dataclass(frozen=True)
class Latency:
    """Milliseconds, of several runs."""

    median_ms: float
    p95_ms: float
    runs: int

    @classmethod
    def of(cls, seconds: list[float]) -> 'Latency':
        ordered = sorted(seconds)
        # the smallest value that 95 % of the runs do not exceed
        p95 = ordered[-(-95 * len(ordered) // 100) - 1]
        return cls(round(statistics.median(ordered) * 1e3, 3), round(p95 * 1e3, 3), len(ordered))


@dataclass(frozen=True)
class Measurement:
    """What one image takes.

    Attributes:
        parts: latency of each part of the model.
        total: of the whole; of each run, so that its median is not the sum of theirs.
        peak_memory_bytes: over the loaded model: allocated on a GPU, resident on a CPU; None where that is not told.
    """

    parts: dict[str, Latency]
    total: Latency
    peak_memory_bytes: int | None


def measure(model: nn.Module, image_size: Extent, *, seconds: float = SECONDS) -> Measurement:
    """Runs a model on one random image, several times.

    Args:
        model: with values, in evaluation mode, see `parts.walk`.
        image_size: (height, width) in pixels, of clips (frames, height, width).
        seconds: to go on for, within 5 to 100 runs.
    """
    device = next(model.parameters()).device
    images = torch.randn(1, image_channels(model), *image_size, device=device)
    with torch.inference_mode():
        small = images[..., :64, :64]
        walk(model, small, _call)  # libraries are loaded now, and count in no memory
        peak_memory = _peak_memory(lambda: walk(model, images, _call), device)
        rounds: dict[str, list[float]] = defaultdict(list)
        totals: list[float] = []
        start = time.perf_counter()
        while len(totals) < MIN_RUNS or (len(totals) < MAX_RUNS and time.perf_counter() - start < seconds):
            timer = _Timer(device)
            walk(model, images, timer)
            for name, part_seconds in timer.seconds.items():
                rounds[name].append(part_seconds)
            totals.append(sum(timer.seconds.values()))
    return Measurement({name: Latency.of(each) for name, each in rounds.items()}, Latency.of(totals), peak_memory)


def _call(name: str, function: Callable[..., Any], *inputs: Any) -> Any:
    return function(*inputs)


class _Timer:
    """A visit that adds up the seconds of each part."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._device = device

    def __call__(self, name: str, function: Callable[..., Any], *inputs: Any) -> Any:
        _synchronize(self._device)
        start = time.perf_counter()
        output = function(*inputs)
        _synchronize(self._device)
        self.seconds[name] += time.perf_counter() - start
        return output


def _synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def _peak_memory(run: Callable[[], None], device: torch.device) -> int | None:
    if device.type == 'cuda':
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return torch.cuda.max_memory_allocated(device) - before
    if not _RESIDENT.exists():  # Linux has it
        return None
    with ResidentPeak() as peak:
        run()
    return peak.grown


class ResidentPeak:
    """Samples this process' resident memory every millisecond; `grown` is the peak over the beginning, in bytes."""

    def __enter__(self) -> 'ResidentPeak':
        self._before = self._peak = self._resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        return self._peak - self._before

    def _watch(self) -> None:
        while not self._stop.wait(0.001):
            self._peak = max(self._peak, self._resident())

    @staticmethod
    def _resident() -> int:
        return int(_RESIDENT.read_text().split()[1]) * resource.getpagesize()
