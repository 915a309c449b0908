"""Data sets of labelled videos: lists of paths, Kinetics, Something-Something."""

import csv
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log

from swin_dense.classification.samples import packed_sample
from swin_dense.datasets.broken_samples import POLICIES, SkippingDataset
from swin_dense.engine.errors import DataError
from swin_dense.inference.sources import VIDEO_SUFFIXES
from swin_dense.registry import DATASETS

_SHOWN = 3


@DATASETS.register_module()
class ClipDataset(SkippingDataset):
    """Videos of a list: `path label` in each line, where the label is a number or the name of a class.

    Paths are relative to `data_prefix['video']`, to video files or to folders with a picture a frame; they may hold
    spaces, and so may names of classes.

    Args:
        metainfo: `classes`, names in the order of their numbers, or a file with one in each line.
        on_missing: what to do about listed videos that are not there: 'raise', or 'skip', with their number in the log.
        on_broken: what to do about videos that cannot be read. 'skip' names each in the log; training takes another
            in its place, drawn with the sample's seed, and tests count it as wrong. 'raise' ends the run.
        others: as those of mmengine's BaseDataset. In `test_mode` samples are in their order, and broken ones stay.

    Raises:
        DataError: a line that cannot be read, a label that no class has, missing or (on loading) broken videos.
    """

    noun = 'videos'

    def __init__(
        self,
        *,
        ann_file: str,
        pipeline: Sequence[Any],
        data_prefix: Mapping[str, str],
        data_root: str = '',
        metainfo: Mapping[str, Any] | None = None,
        on_missing: str = 'raise',
        on_broken: str = 'skip',
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 100,
    ) -> None:
        if on_missing not in POLICIES:
            raise ValueError(f'on_missing is one of {", ".join(POLICIES)}; got {on_missing!r}.')
        self.on_missing = on_missing
        super().__init__(
            on_broken=on_broken, ann_file=ann_file, metainfo=dict(metainfo or {}), data_root=data_root,
            data_prefix=dict(data_prefix), indices=indices, pipeline=list(pipeline), test_mode=test_mode,
            lazy_init=lazy_init, max_refetch=max_refetch,
        )  # fmt: skip

    def load_data_list(self) -> list[dict[str, Any]]:
        classes = self._classes()
        found = list(self._listed(classes))
        missing = [sample['path'] for sample in found if not os.path.exists(sample['path'])]
        if missing:
            more = f' and {len(missing) - _SHOWN:,} more' if len(missing) > _SHOWN else ''
            text = f'{len(missing):,} of {len(found):,} videos of {self.ann_file} are not there: '
            text += ', '.join(missing[:_SHOWN]) + more
            if self.on_missing == 'raise' or len(missing) == len(found):
                raise DataError(f"{text}. Look at data_root and data_prefix; on_missing='skip' goes on without them.")
            print_log(f'{text}; they are left out', 'current', logging.WARNING)
            gone = set(missing)
            found = [sample for sample in found if sample['path'] not in gone]
        return found

    def broken_sample(self, info: dict[str, Any]) -> dict[str, Any]:
        return {'inputs': torch.zeros((0, 3, 1, 1, 1), dtype=torch.uint8), 'data_samples': packed_sample(info)}

    def _classes(self) -> tuple[str, ...]:
        classes = self.metainfo.get('classes')
        if not classes:
            raise DataError(
                f'{type(self).__name__} of {self.ann_file} does not know its classes: give metainfo=dict(classes=...), '
                'their names in the order of the labels, or the path of a text file with a name in each line.'
            )
        return tuple(classes)

    def _listed(self, classes: Sequence[str]) -> Iterable[dict[str, Any]]:
        folder, numbers = self.data_prefix['video'], {name: number for number, name in enumerate(classes)}
        for place, line in enumerate(_text(self.ann_file).splitlines(), 1):
            if not line.strip():
                continue
            path, label = _path_and_label(line.strip(), numbers)
            if label is None or not 0 <= label < len(classes):
                raise DataError(
                    f'{self.ann_file}, line {place}: {line.strip()!r} does not end in a label, a number from 0 to '
                    f'{len(classes) - 1} or the name of a class ({", ".join(classes[:_SHOWN])}, ...).'
                )
            yield {'path': os.path.join(folder, path), 'label': label}


@DATASETS.register_module()
class KineticsDataset(ClipDataset):
    """Kinetics as it is published: a csv of label, youtube_id, time_start, time_end, split.

    Videos are called ID_000010_000020.mp4 (or with another ending, or folders with a picture a frame), and lie in
    `data_prefix['video']` or in a folder of their class in it. Classes are the sorted labels of the csv where
    metainfo has none. Arguments are those of `ClipDataset`.
    """

    @classmethod
    def category_names(cls, path: str | Path) -> list[str]:
        """Names of classes that an annotation file has."""
        return sorted({row['label'] for row in _csv_rows(str(path)) if row.get('label')})

    def _classes(self) -> tuple[str, ...]:
        if not self.metainfo.get('classes'):
            self._metainfo['classes'] = self.category_names(self.ann_file)
        return tuple(self.metainfo['classes'])

    def _listed(self, classes: Sequence[str]) -> Iterable[dict[str, Any]]:
        folder, numbers = self.data_prefix['video'], {name: number for number, name in enumerate(classes)}
        rows = _csv_rows(self.ann_file)
        names = [f'{row["youtube_id"]}_{int(row["time_start"]):06d}_{int(row["time_end"]):06d}' for row in rows]
        paths = _paths_by_stem(folder, set(names))
        for place, (row, name) in enumerate(zip(rows, names, strict=True), 2):
            sample: dict[str, Any] = {'path': paths.get(name, os.path.join(folder, f'{name}.mp4'))}
            if label := row.get('label'):
                sample['label'] = _number(label, numbers, f'{self.ann_file}, line {place}')
            yield sample


@DATASETS.register_module()
class SomethingSomethingDataset(ClipDataset):
    """Something-Something as it is published: json files of videos, and labels.json beside them.

    Videos are called ID.webm (or with another ending, or folders with a picture a frame). Arguments are those of
    `ClipDataset`.
    """

    @classmethod
    def category_names(cls, path: str | Path) -> list[str]:
        """Names of classes in the order of their numbers, of labels.json beside an annotation file."""
        labels = _json(str(Path(path).with_name('labels.json')))
        return sorted(labels, key=lambda name: int(labels[name]))

    def _classes(self) -> tuple[str, ...]:
        if not self.metainfo.get('classes'):
            self._metainfo['classes'] = self.category_names(self.ann_file)
        return tuple(self.metainfo['classes'])

    def _listed(self, classes: Sequence[str]) -> Iterable[dict[str, Any]]:
        folder, numbers = self.data_prefix['video'], {name: number for number, name in enumerate(classes)}
        rows = _json(self.ann_file)
        paths = _paths_by_stem(folder, {str(row['id']) for row in rows})
        for row in rows:
            name = str(row['id'])
            sample: dict[str, Any] = {'path': paths.get(name, os.path.join(folder, f'{name}.webm'))}
            if 'template' in row:
                label = row['template'].replace('[', '').replace(']', '')
                sample['label'] = _number(label, numbers, f'{self.ann_file}, video {name}')
            yield sample


def _path_and_label(line: str, numbers: Mapping[str, int]) -> tuple[str, int | None]:
    # of names that the line ends in, 'ball' and 'throw ball', the longest
    if ends := [name for name in numbers if line.endswith((f' {name}', f'\t{name}'))]:
        name = max(ends, key=len)
        return line.removesuffix(name).strip(), numbers[name]
    *path, label = line.rsplit(maxsplit=1)
    return ''.join(path), int(label) if path and label.lstrip('-').isdecimal() else None


def _number(label: str, numbers: Mapping[str, int], where: str) -> int:
    if label not in numbers:
        raise DataError(
            f'{where}: {label!r} is none of the {len(numbers)} classes ({", ".join(list(numbers)[:_SHOWN])}, ...).'
        )
    return numbers[label]


def _paths_by_stem(folder: str, stems: set[str]) -> dict[str, str]:
    """Of the files and folders of these names in `folder` and in the folders in it."""
    found: dict[str, str] = {}
    if not os.path.isdir(folder):
        return found
    for entry in os.scandir(folder):
        if not _take(found, entry, stems) and entry.is_dir():
            for inner in os.scandir(entry.path):
                _take(found, inner, stems)
    return found


def _take(found: dict[str, str], entry: os.DirEntry, stems: set[str]) -> bool:
    stem, suffix = os.path.splitext(entry.name)
    name = stem if suffix.lower() in VIDEO_SUFFIXES else entry.name
    if name in stems:
        found[name] = entry.path
    return name in stems


def _csv_rows(path: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(_text(path).splitlines()))
    wanted = {'youtube_id', 'time_start', 'time_end'}
    if rows and not wanted <= rows[0].keys():
        raise DataError(
            f'{path} has the columns {", ".join(rows[0])}; Kinetics has label, {", ".join(sorted(wanted))}.'
        )
    return rows


def _json(path: str) -> Any:
    return _read(path, json.loads)


def _text(path: str) -> str:
    return _read(path, str)


def _read(path: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(Path(path).read_text(encoding='utf-8-sig'))
    except OSError as error:
        raise DataError(f'{path} cannot be read: {error.strerror} (looked from {Path.cwd()}).') from None
    except ValueError as error:
        raise DataError(f'{path} is not what it should be: {error}. Write or download it again.') from None
