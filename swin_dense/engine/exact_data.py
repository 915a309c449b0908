"""Training data that depends on the seed and the position in training only.

Idea: a batch sampler knows where it is (`cycle`, `batch`), so a resumed run starts at any batch by skipping indices and
loads no image; and every sample has a seed of its own, derived from the run's seed and the sample's position, so its
augmentation does not depend on the number of workers, on which worker loads it, or on what was drawn before.
"""

import hashlib
import signal
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any, NamedTuple

import torch
from mmengine.dist import get_rank
from torch.utils.data import DataLoader, Dataset

from swin_dense.engine.errors import DataError
from swin_dense.engine.random_states import seeded


class SeededIndex(NamedTuple):
    """What a sampler asks a dataset for: a sample (what the wrapped sampler yields) and the seed to load it with."""

    index: Any
    seed: int


def sample_seed(*position: int) -> int:
    """Derive a 32-bit seed from numbers that name a sample's place; neighbours get unrelated seeds."""
    return int.from_bytes(hashlib.blake2b(repr(position).encode(), digest_size=4).digest(), 'big')


class SeededDataset(Dataset):
    """A dataset whose samples are loaded under their own seed. Everything else is the dataset's, both ways."""

    def __init__(self, dataset: Any) -> None:
        self.__dict__['dataset'] = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, SeededIndex):
            return self.dataset[key]
        try:
            with seeded(key.seed):
                return self.dataset[key.index]
        except OSError as error:
            raise DataError(
                f'sample {key.index} of {describe_source(self.dataset)} cannot be loaded: {error}'
            ) from error

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name == 'dataset':  # unpickling asks for these before there is a dataset
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.dataset, name, value)  # hooks that exchange the pipeline mean the dataset's

    def __getstate__(self) -> dict:
        return self.__dict__

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)


def describe_source(dataset: Any) -> str:
    """Name a dataset by its annotation file, its folder, or its class."""
    dataset = dataset.dataset if isinstance(dataset, SeededDataset) else dataset
    for attribute in ('ann_file', 'data_root'):
        if value := getattr(dataset, attribute, None):
            return str(value)
    return type(dataset).__name__


class ResumableBatches:
    """A batch sampler that starts at any batch of any cycle (an epoch, for finite samplers).

    Wraps any batch sampler (mmdet's AspectRatioBatchSampler too). `endless` goes on to the next cycle at the end of
    one, for loops that count iterations. A batch costs index arithmetic when it is skipped, and nothing is loaded.
    """

    def __init__(self, batch_sampler: Any, *, seed: int, endless: bool) -> None:
        self.batch_sampler = batch_sampler
        self.seed = seed
        self.endless = endless
        self.sampler = batch_sampler.sampler
        self.batch_size = getattr(batch_sampler, 'batch_size', None)
        self.drop_last = getattr(batch_sampler, 'drop_last', False)
        self._cycle, self._first_batch = 0, 0

    def start(self, *, cycle: int, batch: int) -> None:
        """Set where the next iteration begins: batch number `batch`, counted from 0 at the start of `cycle`."""
        self._cycle, self._first_batch = cycle, batch

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[SeededIndex]]:
        cycle, rank = self._cycle, get_rank()
        batches = enumerate(self._batches(cycle))
        for number, indices in islice(batches, self._first_batch, None):
            yield [
                SeededIndex(index, sample_seed(self.seed, rank, cycle, number, place))
                for place, index in enumerate(indices)
            ]

    def _batches(self, first_cycle: int) -> Iterator[list]:
        for cycle in count(first_cycle):
            if hasattr(self.sampler, 'set_epoch'):
                self.sampler.set_epoch(cycle)
            yield from self.batch_sampler
            if not self.endless:
                return


class ResumableLoader(DataLoader):
    """A loader that starts its workers at the first batch asked for, not when the iterator is made.

    (mmengine 0.10.7 makes the iterator in the loop's constructor, before it is known where training resumes.)
    """

    def __iter__(self) -> Any:
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        yield from super().__iter__()


class WorkerStart:
    """Worker set-up: Ctrl-C reaches every process of a terminal, and only the main one should act on it."""

    def __init__(self, then: Callable[[int], None] | None) -> None:
        self.then = then

    def __call__(self, worker_id: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self.then is not None:
            self.then(worker_id)


def exact_loader(loader: DataLoader, *, seed: int, endless: bool) -> DataLoader:
    """Build `loader` again with seeded samples and a batch sampler that can start anywhere."""
    options = {}
    if loader.num_workers > 0:
        options = {
            'prefetch_factor': loader.prefetch_factor,
            'persistent_workers': loader.persistent_workers,
            'multiprocessing_context': loader.multiprocessing_context,
            'timeout': loader.timeout,
        }
    return ResumableLoader(
        SeededDataset(loader.dataset),
        batch_sampler=ResumableBatches(loader.batch_sampler, seed=seed, endless=endless),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        # an iterator draws a number when it is made; without a generator of its own it takes it from the model's
        generator=torch.Generator().manual_seed(seed),
        **options,
    )
