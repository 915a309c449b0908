"""Data sets of labelled images: a folder for each class, or a list; in folders or in tar files."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from swin_dense.classification.image_index import ImageIndex, image_index
from swin_dense.classification.samples import packed_sample
from swin_dense.classification.tars import tar_members
from swin_dense.datasets.broken_samples import SkippingDataset
from swin_dense.engine.errors import DataError
from swin_dense.inference.sources import IMAGE_SUFFIXES
from swin_dense.registry import DATASETS

_SHOWN = 3
Row = tuple[str, int]  # name of a file below the folder, label


@DATASETS.register_module()
class ImageFolderDataset(SkippingDataset):
    """A folder for each class in `data_prefix['image']`, with images at any depth below.

    The folder may be a tar file of such folders, or, as ILSVRC2012_img_train.tar, of a tar file for each class.

    Args:
        metainfo: `classes`, names of the folders in the order of their numbers, or a file with one in each line;
            without, the folders' names, sorted.
        on_broken: what to do about images that cannot be read. 'skip' names each in the log; training takes another in
            its place, drawn with the sample's seed, and tests count it as wrong. 'raise' ends the run.
        others: as those of mmengine's BaseDataset. In `test_mode` samples are in their order, and broken ones stay.

    Raises:
        DataError: no folder, no image, or folders that are no class.
    """

    noun = 'images'
    index: ImageIndex
    _fully_initialized: bool

    def __init__(
        self,
        *,
        pipeline: Sequence[Any],
        data_prefix: Mapping[str, str],
        data_root: str = '',
        ann_file: str = '',
        metainfo: Mapping[str, Any] | None = None,
        on_broken: str = 'skip',
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 100,
    ) -> None:
        super().__init__(
            on_broken=on_broken, ann_file=ann_file, metainfo=dict(metainfo or {}), data_root=data_root,
            data_prefix=dict(data_prefix), indices=indices, pipeline=list(pipeline), test_mode=test_mode,
            lazy_init=lazy_init, max_refetch=max_refetch,
        )  # fmt: skip

    @classmethod
    def category_names(cls, path: str | Path) -> list[str]:
        """Names of classes: of the folders in a folder, or in a tar file."""
        if os.path.isfile(path):
            return sorted({name.split('/')[0] for name, *_ in tar_members(str(path)) if '/' in name})
        return sorted(entry.name for entry in os.scandir(path) if entry.is_dir())

    @property
    def folder(self) -> str:
        """The folder or tar file of the images."""
        return self.data_prefix['image']

    def full_init(self) -> None:
        if self._fully_initialized:
            return
        if not os.path.exists(self.folder):
            raise DataError(
                f'{self.folder} is not there (looked from {Path.cwd()}). Look at data_root and data_prefix.image.'
            )
        self.index = self._indexed()
        if self._indices is not None:
            numbers = range(len(self.index))[: self._indices] if isinstance(self._indices, int) else self._indices
            self.index = self.index.chosen(numbers)
        if not len(self.index):
            raise DataError(f'{self._source} has no image ({", ".join(sorted(IMAGE_SUFFIXES))}).')
        self._fully_initialized = True

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """`path` and `label` of an image; of one in a tar file also `slice`, (first byte, number of bytes)."""
        self.full_init()
        idx = range(len(self.index))[idx]  # of the end, where it is negative
        info = {'path': os.path.join(self.folder, self.index.name(idx)), 'label': int(self.index.labels[idx])}
        if self.index.slices is not None:
            info |= {'tar': self.folder, 'slice': tuple(self.index.slices[idx].tolist())}
        return {**info, 'sample_idx': idx}

    def __len__(self) -> int:
        self.full_init()
        return len(self.index)

    def content_digest(self) -> str:
        """Of the names and labels of all images, for fingerprints of data."""
        self.full_init()
        return self.index.digest()

    def broken_sample(self, info: dict[str, Any]) -> dict[str, Any]:
        return {'inputs': torch.zeros((3, 0, 0), dtype=torch.uint8), 'data_samples': packed_sample(info)}

    @property
    def _source(self) -> str:
        return self.folder

    def _indexed(self) -> ImageIndex:
        given = self.metainfo.get('classes')
        found = self.category_names(self.folder)
        if given and (unknown := sorted(set(found) - set(given))):
            raise DataError(
                f'{self.folder} has folders that are no class: {_some(unknown)}; there are {len(given)} classes, '
                f'{_some(given)}. Give metainfo.classes all of them, or none: then the folders are the classes.'
            )
        if given and not self.test_mode and (empty := [name for name in given if name not in set(found)]):
            raise DataError(f'{self.folder} has no folder for {len(empty)} of the classes: {_some(empty)}.')
        classes = tuple(given or found)
        self._metainfo['classes'] = classes
        numbers = {name: number for number, name in enumerate(classes)}
        if os.path.isfile(self.folder):
            members = [
                each for each in tar_members(self.folder) if is_image(each[0]) and each[0].split('/')[0] in numbers
            ]
            rows = ((name, numbers[name.split('/')[0]]) for name, *_ in members)
            return image_index(rows, np.array([each[1:] for each in members], dtype=np.int64).reshape(-1, 2))
        shown = tqdm(
            _files_of_classes(self.folder, numbers), f'looking through {self.folder}', unit=' images', disable=None
        )
        return image_index(shown)


@DATASETS.register_module()
class ImageListDataset(ImageFolderDataset):
    """Images of a list, as ImageNet's meta/train.txt: `path label` in each line.

    Paths are below `data_prefix['image']`, a folder or a tar file; they may hold spaces. Labels are numbers or names of
    classes. Other arguments are those of `ImageFolderDataset`.

    Raises:
        DataError: a line that cannot be read, or a label or, in a tar file, a path that is not there. Missing files are
            met when they are read.
    """

    category_names = None  # type: ignore[assignment]  # a list has numbers, and their names are in the config

    @property
    def _source(self) -> str:
        return self.ann_file

    def _indexed(self) -> ImageIndex:
        classes = self.metainfo.get('classes')
        if not classes:
            raise DataError(
                f'{type(self).__name__} of {self.ann_file} does not know its classes: give metainfo=dict(classes=...), '
                'their names in the order of the labels, or the path of a text file with a name in each line.'
            )
        rows = listed(self.ann_file, classes)
        if not os.path.isfile(self.folder):
            return image_index(rows)
        slices = {name: (start, size) for name, start, size in tar_members(self.folder)}
        kept = list(rows)
        if missing := [name for name, _ in kept if name not in slices]:
            raise DataError(
                f'{len(missing):,} of {len(kept):,} images of {self.ann_file} are not in {self.folder}: '
                f'{_some(missing)}.'
            )
        return image_index(kept, np.array([slices[name] for name, _ in kept], dtype=np.int64).reshape(-1, 2))


def listed(ann_file: str, classes: Sequence[str]) -> Iterator[Row]:
    """(path, label) of the lines of a list; raises DataError with the line."""
    numbers = {name: number for number, name in enumerate(classes)}
    try:
        with open(ann_file, encoding='utf-8-sig') as lines:
            for place, line in enumerate(lines, 1):
                if not (text := line.strip()):
                    continue
                *paths, label = text.rsplit(maxsplit=1)
                path = ''.join(paths)
                number = int(label) if label.isdecimal() else numbers.get(label, -1)
                if not path or not 0 <= number < len(classes):
                    raise DataError(
                        f'{ann_file}, line {place}: {text!r} does not end in a label, a number from 0 to '
                        f'{len(classes) - 1} or the name of a class ({_some(classes)}).'
                    )
                yield path, number
    except OSError as error:
        raise DataError(f'{ann_file} cannot be read: {error.strerror} (looked from {Path.cwd()}).') from None
    except UnicodeDecodeError as error:
        raise DataError(f'{ann_file} is no text in UTF-8: {error}.') from None


def _files_of_classes(folder: str, numbers: Mapping[str, int]) -> Iterator[Row]:
    for name, number in numbers.items():
        for path in sorted(_images_below(os.path.join(folder, name), name)):
            yield path, number


def _images_below(folder: str, name: str) -> Iterator[str]:
    if not os.path.isdir(folder):
        return
    for entry in os.scandir(folder):
        inner = f'{name}/{entry.name}'
        # a file of a picture's name is none of a folder's, so that most entries are asked nothing
        if is_image(entry.name) and not entry.is_dir():
            yield inner
        elif entry.is_dir():
            yield from _images_below(entry.path, inner)


def is_image(name: str) -> bool:
    """By the ending of a file's name."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ', '.join(names[:_SHOWN]) + (', ...' if len(names) > _SHOWN else '')
