"""What becomes of files that cannot be read: another in its place in training, a wrong answer in tests, or the end."""

import logging
from typing import Any

import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from torch.utils.data import get_worker_info

from swin_dense.datasets.image_headers import UnreadableImage
from swin_dense.engine.errors import DataError

POLICIES = ('raise', 'skip')
_MAX_WORKERS = 1024


class SkippingDataset(BaseDataset):
    """A data set whose pipeline may raise `UnreadableImage`.

    `on_broken='skip'` names each such file once in the log; training takes another in its place, drawn with the
    sample's seed, and tests give `broken_sample(info)`. 'raise' ends the run.

    Attributes:
        num_skipped: how often training took another, in all workers of this process since it was made.
    """

    noun = 'files'

    def __init__(self, *, on_broken: str, **options: Any) -> None:
        if on_broken not in POLICIES:
            raise ValueError(f'on_broken is one of {", ".join(POLICIES)}; got {on_broken!r}.')
        self.on_broken = on_broken
        self._told: set[str] = set()
        # a number for each worker, which nobody else writes to; shared, so that the main process sees them
        self._skipped = torch.zeros(_MAX_WORKERS, dtype=torch.int64).share_memory_()
        super().__init__(**options)

    @property
    def num_skipped(self) -> int:
        return int(self._skipped.sum())

    def __getitem__(self, idx: int) -> Any:
        if not self._fully_initialized:
            self.full_init()
        for _ in range(self.max_refetch + 1):
            if (sample := self.prepare_data(idx)) is not None:
                return sample
            last, idx = self.get_data_info(idx)['path'], self._rand_another()
        raise DataError(
            f'{self.max_refetch + 1} {self.noun}, one after the other, cannot be read; the last is {last}. The log has '
            'the reasons.'
        )

    def prepare_data(self, idx: int) -> Any:
        """The sample through the pipeline; None in training where its file cannot be read, and another is drawn."""
        sample = self.get_data_info(idx)
        try:
            return self.pipeline(sample)
        except UnreadableImage as error:
            reason = str(error)
        path = sample['path']
        if self.on_broken == 'raise':
            raise DataError(f"{path}: {reason}. on_broken='skip' goes on without such {self.noun}.")
        if path not in self._told:
            self._told.add(path)
            # an error, so that it is seen of all processes
            print_log(f'{path} cannot be read and is skipped: {reason}', 'current', logging.ERROR)
        if not self.test_mode:
            worker = get_worker_info()
            self._skipped[0 if worker is None else (worker.id + 1) % _MAX_WORKERS] += 1
            return None
        return self.broken_sample({**sample, 'broken': reason})

    def broken_sample(self, info: dict[str, Any]) -> dict[str, Any]:
        """`inputs` without values and `data_samples` with the reason, for tests."""
        raise TypeError(f'{type(self).__name__} has no sample for a broken file.')
