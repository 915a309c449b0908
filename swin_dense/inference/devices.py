"""Where a model runs, and the threads beside it."""

import os

import torch

_MOST_WORKERS = 8


def checked_device(device: str | torch.device | None) -> torch.device:
    """The device of a name, if it is there; without a name a GPU, or else the CPU."""
    if device is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().split('\n', 1)[0]
        raise ValueError(f'device {str(device)!r} cannot be used: {reason}') from None
    return found


def usual_workers(device: torch.device) -> int:
    """Threads to load with, and to finish with: none where the model takes all cores itself, as on a CPU it does.

    Measured on two cores: with threads beside it, a small detector takes a third longer, and a large one gains nothing.
    """
    cores = os.cpu_count() or 1
    free = cores - torch.get_num_threads() if device.type == 'cpu' else cores // 2
    return min(max(free, 0), _MOST_WORKERS)
