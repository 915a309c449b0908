"""The same run on several machines: Ray Data gives the files to actors, each with a `Worker` of its own.

Every actor sees the inputs and the output folder under the same paths. Needs the extra `ray`.
"""

import itertools
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch

from swin_dense.inference.sources import Source
from swin_dense.inference.worker import Item, Outcome, Settings, Worker

_numbers = itertools.count()
_ITEMS_PER_CALL = 64  # several batches: images of equal size are found among them


class RayTeam:
    """Workers that are actors of Ray.

    Args:
        address: of a cluster; '' starts one on this machine.
        num_workers: actors; each takes a GPU where the settings' device is one.
    """

    def __init__(self, settings: Settings, *, address: str, num_workers: int) -> None:
        try:
            import ray
        except ImportError:
            raise ImportError("--ray needs Ray: pip install 'swin_dense[ray]'") from None
        self.settings = settings
        self.num_workers = num_workers
        # what is said of the model in the summary comes from here; nothing is predicted with it
        self.worker = Worker(replace(settings, predictor={**settings.predictor, 'device': 'cpu'}), 'driver')
        if not ray.is_initialized():
            ray.init(address=address or None, log_to_driver=False, include_dashboard=False, num_gpus=None)

    def process(self, items: Iterator[Item]) -> Iterator[Outcome]:
        import ray

        by_key: dict[int, Item] = {}
        while rows := [_row(by_key, item) for item in islice(items, 10_000)]:
            data = ray.data.from_items(rows)
            device = self.settings.predictor.get('device')
            on_gpu = torch.cuda.is_available() if device is None else str(device).startswith('cuda')
            outcomes = data.map_batches(
                _Actor,
                fn_constructor_args=(self.settings, os.getcwd()),
                batch_size=_ITEMS_PER_CALL,
                concurrency=self.num_workers,
                num_gpus=1 if on_gpu else 0,
            )
            for row in outcomes.iter_rows():
                yield Outcome(by_key.pop(row['row']), row['reason'] or None)

    def close(self) -> None:
        import ray

        self.worker.close()
        ray.shutdown()


def _row(by_key: dict[int, Item], item: Item) -> dict[str, Any]:
    if item.frame is not None:
        raise ValueError(f'--ray predicts files; {item.source.path} is a video. Predict it without --ray.')
    number = next(_numbers)
    by_key[number] = item
    return {'row': number, 'index': item.source.index, 'path': item.source.path, 'name': item.source.name}


class _Actor:
    """Lives as long as the run, with a loaded model."""

    def __init__(self, settings: Settings, folder: str) -> None:
        os.chdir(folder)  # relative paths mean the same as where the run was started
        import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators

        self.worker = Worker(settings, f'ray-{uuid.uuid4().hex[:12]}')

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = {}
        items = []
        for row, index, path, name in zip(batch['row'], batch['index'], batch['path'], batch['name'], strict=True):
            items.append(Item(Source(int(index), str(path), str(name), False)))
            rows[str(name)] = int(row)
        outcomes = [(rows[each.item.name], each.reason or '') for each in self.worker.process(items)]
        numbers, reasons = zip(*outcomes, strict=True)
        return {'row': np.array(numbers), 'reason': np.array(reasons, dtype=object)}
