"""Seconds to index image names, and the memory of the index in the workers of a loader.

python benchmarks/image_index.py                                 a list of 1,000,000 names, 8 workers
python benchmarks/image_index.py --names 1281167 --out benchmarks/results/cpu.jsonl
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ == '__main__':
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader, Dataset

from benchmarks.backbones import append_row, environment
from swin_dense.classification.image_datasets import ImageListDataset

CLASSES = 1000


class Touching(Dataset):
    """Looks at every name of a part of the index, and says the memory of the process."""

    def __init__(self, dataset: ImageListDataset, workers: int) -> None:
        self.dataset, self.workers = dataset, workers

    def __len__(self) -> int:
        return self.workers

    def __getitem__(self, number: int) -> tuple[int, int]:
        for place in range(number, len(self.dataset), 97):
            self.dataset.get_data_info(place)
        time.sleep(1.0)  # until all workers hold theirs
        return number, proportional_bytes()


def proportional_bytes() -> int:
    """Of this process: pages shared with others count by their share (PSS)."""
    for line in Path('/proc/self/smaps_rollup').read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) * 1024
    raise OSError('/proc/self/smaps_rollup has no Pss')


def names(count: int) -> Iterator[str]:
    """As in ImageNet."""
    for number in range(count):
        folder = f'n{number * CLASSES // count + 1440764:08d}'
        yield f'{folder}/{folder}_{number}.JPEG {number * CLASSES // count}\n'


def indexed(folder: str, count: int) -> tuple[ImageListDataset, float]:
    """The data set of generated names, and the seconds that it took."""
    list_file = Path(folder, 'train.txt')
    with list_file.open('w') as file:
        file.writelines(names(count))
    start = time.perf_counter()
    with DefaultScope.overwrite_default_scope('swin_dense'):
        dataset = ImageListDataset(
            ann_file=str(list_file),
            data_prefix={'image': folder},
            pipeline=[],
            metainfo={'classes': [str(number) for number in range(CLASSES)]},
        )
    return dataset, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--names', type=int, default=1_000_000)
    parser.add_argument('--workers', type=int, default=8)
    parser.add_argument('--out', type=Path, help='append the row to this file')
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset, seconds = indexed(folder, given.names)
    before = proportional_bytes()
    loader = DataLoader(
        Touching(dataset, given.workers), batch_size=1, num_workers=given.workers, multiprocessing_context='fork'
    )
    held = {int(number): int(memory) for number, memory in loader}
    row = {
        'benchmark': 'image_index',
        'names': given.names,
        'workers': given.workers,
        'seconds': round(seconds, 2),
        'index_mb': round(dataset.index.nbytes / 1e6, 1),
        'process_mb_before': round(before / 1e6),
        'workers_mb_together': round(sum(held.values()) / 1e6),
        **environment(argparse.Namespace(device='cpu', threads=torch.get_num_threads(), clock='wall')),
    }
    print(json.dumps(row))
    append_row(row, given.out)


if __name__ == '__main__':
    main()
