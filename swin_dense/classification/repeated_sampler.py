"""Repeated augmentation (Hoffer et al., 2020; Berman et al., 2019): several draws of each image in a batch."""

from collections.abc import Iterator, Sized
from typing import Any

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from swin_dense.registry import DATA_SAMPLERS

_ROUND = 256


@DATA_SAMPLERS.register_module()
class RepeatedSampler(Sampler):
    """Each image `num_repeats` times in a row, dealt out to the processes one by one: each augments a copy.

    An epoch is as long as without repeats, rounded down to 256 samples over all processes, so that it sees a third of
    the images. Source: RASampler of facebookresearch/deit.

    Args:
        num_repeats: of each image.
        seed: None: drawn, the same for all processes.
        others: of mmengine's samplers; shuffling is what this is for.
    """

    def __init__(self, dataset: Sized, *, num_repeats: int = 3, seed: int | None = None, shuffle: bool = True) -> None:
        if num_repeats < 1:
            raise ValueError(f'num_repeats is a whole number from 1; got {num_repeats}.')
        if not shuffle:
            raise ValueError('RepeatedSampler is for training: shuffle=False would repeat the first third alone.')
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.num_repeats = dataset, num_repeats
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        total = len(dataset) // _ROUND * _ROUND or len(dataset)
        self.num_samples = total // self.world_size
        if not self.num_samples:
            raise ValueError(f'{len(dataset)} images are too few for {self.world_size} processes.')

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        order = torch.randperm(len(self.dataset), generator=generator)
        # places of this process in the row of repeats; what is beyond the end is used no more
        places = torch.arange(self.num_samples) * self.world_size + self.rank
        yield from order[places // self.num_repeats].tolist()

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> Any:
        """Another order, and another third, for each epoch."""
        self.epoch = epoch
