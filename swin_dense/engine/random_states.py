"""The states of the random generators of a process: taken, put back, kept over a block."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def take_states() -> dict:
    """Give the states of Python's, numpy's and torch's generators (CPU and every GPU) as tensors and plain values."""
    name, keys, position, has_gauss, cached_gaussian = np.random.get_state()
    return {
        'python': random.getstate(),
        'numpy': (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached_gaussian),
        'torch': torch.get_rng_state(),
        'cuda': torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def put_states(states: dict) -> None:
    """Put back what `take_states` gave. States of GPUs are skipped where their number differs."""
    version, internal, gauss_next = states['python']
    random.setstate((version, tuple(internal), gauss_next))
    name, keys, position, has_gauss, cached_gaussian = states['numpy']
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached_gaussian))
    torch.set_rng_state(states['torch'].cpu())
    if torch.cuda.is_available() and len(states['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([state.cpu() for state in states['cuda']])


@contextmanager
def kept_states() -> Iterator[dict]:
    """Put the generators back after the block, whatever it drew; gives the states they had before it."""
    states = take_states()
    try:
        yield states
    finally:
        put_states(states)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the CPU generators for the block and put them back after it.

    Only the CPU's: `torch.manual_seed` would reseed the GPUs too, in the middle of training where data is loaded in the
    main process.
    """
    python_state, numpy_state, torch_state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
