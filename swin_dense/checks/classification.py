"""Data sets of labelled images: folders of classes, and pictures that cannot be read.

The quick level looks at the folders of classes, and into a few pictures of each; the full one at every file.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from mmengine.config import Config

from swin_dense.checks.dataset_configs import DatasetConfig, dataset_configs
from swin_dense.checks.findings import Case, Depth, Finding
from swin_dense.classification.image_datasets import ImageFolderDataset, is_image
from swin_dense.classification.image_transforms import decoded
from swin_dense.datasets.image_headers import UnreadableImage
from swin_dense.engine.class_names import classes_of

_LOOKED_AT = 2  # pictures of a class, at the quick level
_MOST_LOOKED_AT = 400


def check_classification_data(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """Look at data sets of folders of classes; others are left to other checks."""
    for dataset in dataset_configs(cfg, splits):
        if dataset.cls is not None and issubclass(dataset.cls, ImageFolderDataset):
            yield from _check(dataset, depth)


def _check(dataset: DatasetConfig, depth: Depth) -> Iterator[Finding]:
    key = f'{dataset.key}.data_prefix.image'
    folder = dataset.path(str((dataset.cfg.get('data_prefix') or {}).get('image', '')))
    if not os.path.exists(folder):
        yield Finding(
            level='error', rule='missing-folder', key=key, value=folder,
            message=f'there is no folder or tar file {folder!r} (looked from {os.getcwd()}).',
            remedy='Correct data_root or data_prefix, or set the variable of the environment that they are made of.',
        )  # fmt: skip
        return
    if dataset.cls is not ImageFolderDataset or os.path.isfile(folder):
        return
    counts = {
        entry.name: _images_of(entry.path, depth) for entry in sorted(os.scandir(folder), key=lambda each: each.name)
        if entry.is_dir()
    }  # fmt: skip
    yield from _classes_fit(dataset, key, folder, counts)
    yield from _unreadable(folder, counts, depth)
    if depth == 'full':
        sizes = sorted(len(paths) for paths in counts.values())
        yield Finding(
            level='ok', rule='images', key=key,
            message=f'{sum(sizes):,} images of {len(sizes)} classes in {folder}, {sizes[0]:,} to {sizes[-1]:,} a '
            'class.',
        )  # fmt: skip


def _classes_fit(dataset: DatasetConfig, key: str, folder: str, counts: dict[str, list[str]]) -> Iterator[Finding]:
    known = classes_of(dataset)
    names = list(known.names) if known else sorted(counts)
    if strangers := [name for name in counts if name not in set(names)]:
        yield Finding(
            level='error', rule='unknown-folder', key=key, value=folder,
            message=f'{len(strangers)} folders are no class: {_some(strangers)}. Classes are {_some(names)}.',
            remedy='Move them out of the folder, or name them in metainfo.classes of all data sets.',
            cases=[Case(os.path.join(folder, name), '', name, 'move it, or name it in classes') for name in strangers],
        )  # fmt: skip
    is_test = bool(dataset.cfg.get('test_mode'))
    if empty := [name for name in names if not counts.get(name)]:
        yield Finding(
            level='warning' if is_test else 'error', rule='empty-class', key=key, value=folder,
            message=f'{len(empty)} of {len(names)} classes have no image: {_some(empty)}.',
            remedy='Add images, or take the classes out of metainfo.classes.',
            cases=[Case(os.path.join(folder, name), '', None, 'add images') for name in empty],
        )  # fmt: skip


def _unreadable(folder: str, counts: dict[str, list[str]], depth: Depth) -> Iterator[Finding]:
    broken = []
    chosen = [path for paths in counts.values() for path in paths]
    if depth != 'full':
        chosen = chosen[:: -(-len(chosen) // _MOST_LOOKED_AT) or 1]  # of classes all along the list
    for path in chosen:
        try:
            with open(path, 'rb') as file:
                decoded(file.read())
        except (OSError, UnreadableImage) as error:
            broken.append(Case(path, '', None, f'replace or delete it: {error}'))
    if broken:
        yield Finding(
            level='warning', rule='unreadable-images', file=folder,
            message=f'{len(broken)} of {len(chosen)} images that were looked at cannot be read; training takes others '
            'for them, and tests count them as wrong.',
            remedy='Replace or delete them.', cases=broken,
        )  # fmt: skip


def _images_of(folder: str, depth: Depth) -> list[str]:
    """All images below, or the first few: of a million, nobody lists more than is looked at."""
    found = _walked(folder)
    return sorted(found) if depth == 'full' else list(islice(found, _LOOKED_AT))


def _walked(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_image(entry.name) and not entry.is_dir():
                yield entry.path
            elif entry.is_dir():
                yield from _walked(entry.path)


def _some(names: Sequence[Any]) -> str:
    return ', '.join(map(str, names[:3])) + (', ...' if len(names) > 3 else '')
