"""Image files of an annotation file: whether they are there, and where they are if not."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.file_names import ACCENTS, differ_in_accents_alone
from swin_dense.checks.findings import Case, Finding

_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.gif')
_MOST_FILES_LISTED = 300_000
_MOST_SEARCHED = 1_000  # missing files that are looked for


@dataclass
class Folders:
    """The names in folders, each folder listed once."""

    _names: dict[str, frozenset[str]] = field(default_factory=dict)
    _below: dict[str, dict[str, str]] = field(default_factory=dict)

    def names(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            there = os.path.isdir(folder or '.')
            self._names[folder] = frozenset(entry.name for entry in os.scandir(folder or '.')) if there else frozenset()
        return self._names[folder]

    def has(self, path: str) -> bool:
        folder, name = os.path.split(path)
        return name in self.names(folder)

    def below(self, root: str) -> dict[str, str]:
        """Name -> path of the images in all folders below `root`."""
        if root not in self._below:
            found: dict[str, str] = {}
            for folder, _, names in os.walk(root):
                found.update({name: os.path.join(folder, name) for name in names if name.lower().endswith(_SUFFIXES)})
                if len(found) > _MOST_FILES_LISTED:
                    break
            self._below[root] = found
        return self._below[root]


def image_paths(dataset: DatasetConfig, file: CocoFile) -> list[str] | Finding:
    """Paths of the images as mmdet joins them, in the order of the file."""
    prefix = dataset.argument('data_prefix')
    key = f'{dataset.key}.data_prefix'
    if not isinstance(prefix, Mapping) or not isinstance(prefix.get('img'), str):
        return Finding(
            level='error', rule='data-prefix', key=key, value=prefix,
            message="mmdet's data sets of COCO take the folder of the images from data_prefix['img'].",
            remedy=f"Write data_prefix=dict(img={_other_folder(prefix)!r}).",
        )  # fmt: skip
    folder = dataset.path(prefix['img']) if prefix['img'] else str(dataset.argument('data_root') or '')
    return [os.path.join(folder, image['file_name']) for image in file.images]


def check_image_files(
    dataset: DatasetConfig, file: CocoFile, paths: Sequence[str], folders: Folders, *, trained: Collection[str] = ()
) -> Iterator[Finding]:
    """Images that are not there, or only on this machine; `trained` are the paths of the train set."""
    yield from _addresses(dataset, file, paths)
    local = [place for place, path in enumerate(paths) if '://' not in path]
    missing = [place for place in local if not folders.has(paths[place])]
    yield from _missing(dataset, file, paths, missing, folders, trained)
    absent = set(missing)
    absolute = [place for place in local if os.path.isabs(file.images[place]['file_name']) and place not in absent]
    cases = [
        Case(file.path, f'images[{place}].file_name', file.images[place]['file_name'], f'file_name: {name!r}')
        for place in absolute
        if (name := os.path.basename(paths[place]))
    ]
    yield from one_finding(
        cases, level='warning', rule='image-path-absolute', file=file.path, key='images[].file_name',
        message=f'{counted(len(cases), "image")} have absolute paths: the data set works on this machine alone, and '
        'data_prefix has no effect.',
        remedy='Write names relative to the folder of data_prefix.',
    )  # fmt: skip


def _addresses(dataset: DatasetConfig, file: CocoFile, paths: Sequence[str]) -> Iterator[Finding]:
    """Names that are addresses of the web, which mmdet joins to a folder of this machine."""
    if not paths or '://' in dataset.path(dataset.cfg['data_prefix']['img']):
        return
    cases = [
        Case(
            file.path,
            f'images[{place}].file_name',
            image['file_name'],
            f'file_name: {_last_part(image["file_name"])!r}',
        )
        for place, image in enumerate(file.images)
        if '://' in image['file_name']
    ]
    yield from one_finding(
        cases, level='error', rule='image-address', file=file.path, key='images[].file_name',
        message=f'{len(cases):,} of {counted(len(paths), "image")} have an address in the place of a name: '
        f'{listed([case.value for case in cases], 2)}. mmdet looks for a file of that name in a folder.',
        remedy='Download the images into the folder of data_prefix, and write their names there as file_name.',
    )  # fmt: skip


def _last_part(address: str) -> str:
    return os.path.basename(address.partition('?')[0])


def unnamed_images(paths: Sequence[str], named: set[str], folders: Folders) -> list[str]:
    """Images that lie beside those of a file and are named by none."""
    beside = {os.path.dirname(path) for path in paths if '://' not in path}
    return sorted(
        path
        for folder in beside
        for name in folders.names(folder)
        if name.lower().endswith(_SUFFIXES) and (path := os.path.join(folder, name)) not in named
    )


def _other_folder(prefix: Any) -> str:
    if isinstance(prefix, str):
        return prefix
    values = [value for value in prefix.values() if isinstance(value, str)] if isinstance(prefix, Mapping) else []
    return values[0] if values else 'images/'


def _missing(
    dataset: DatasetConfig,
    file: CocoFile,
    paths: Sequence[str],
    missing: Sequence[int],
    folders: Folders,
    trained: Collection[str],
) -> Iterator[Finding]:
    hints: Counter[str] = Counter()
    cases = []
    for number, place in enumerate(missing):
        fix = ''
        if number < _MOST_SEARCHED:
            fix, hint = _nearest(dataset, file.images[place]['file_name'], paths[place], folders, trained)
            hints[hint] += 1
        cases.append(Case(file.path, f'images[{place}].file_name', paths[place], fix or 'put the file there'))
    gone = sorted(
        {os.path.dirname(paths[place]) for place in missing if not os.path.isdir(os.path.dirname(paths[place]) or '.')}
    )
    where = f' There is no folder {listed(gone, 3)}.' if gone else ''
    remedy = hints.most_common(1)[0][0] if hints else ''
    shown = [case.value for case in cases[:3]]
    yield from one_finding(
        cases, level='error', rule='image-missing', file=file.path, key='images[].file_name',
        message=f'{len(missing):,} of {counted(len(paths), "image")} are not there: {listed(shown)}'
        f'{", ..." if len(cases) > 3 else ""}.{where} mmdet stops at them in the middle of training.',
        remedy=remedy or f'Put them there, correct {dataset.key}.data_prefix, or take their images out of the file.',
    )  # fmt: skip


def _nearest(
    dataset: DatasetConfig, file_name: str, path: str, folders: Folders, trained: Collection[str]
) -> tuple[str, str]:
    """(what to write at this place, what to do about all of them) by an existing file; two empty texts for none."""
    root = str(dataset.argument('data_root') or '')
    prefix = dataset.cfg['data_prefix']['img']
    folder, name = os.path.split(path)
    if not os.path.isabs(file_name) and prefix and folders.has(os.path.join(root, file_name)):
        fix = "data_prefix=dict(img='')"
        return fix, f'The names have the folder already: write {fix} in {dataset.key}.'
    for other in (file_name.replace('\\', '/'), os.path.basename(file_name.replace('\\', '/'))):
        if other != file_name and folders.has(os.path.join(dataset.path(prefix) if prefix else root, other)):
            kind = 'backslashes' if '\\' in file_name else 'folders that data_prefix has already, or absolute paths'
            return f'file_name: {other!r}', f'The names have {kind}: write {other!r} in place of {file_name!r}.'
    if found := _like(name, folders.names(folder)):
        return found
    found_at = folders.below(root).get(os.path.basename(name)) if root else None
    return _elsewhere(dataset, file_name, found_at, root, trained) if found_at else ('', '')


def _like(name: str, names: Collection[str]) -> tuple[str, str] | None:
    """A name of the folder that differs in case, accents or ending."""
    stem = os.path.splitext(name)[0].casefold()
    for other in names:
        if other.casefold() == name.casefold():
            return f'file_name: {other!r}', f'Upper and lower case differ: {other!r} is there in place of {name!r}.'
        if differ_in_accents_alone(other, name):
            return f'file_name: {other!a}', f'{other!a} is there in place of {name!a}: {ACCENTS}'
    for other in names:
        if other.lower().endswith(_SUFFIXES) and os.path.splitext(other)[0].casefold() == stem:
            return f'file_name: {other!r}', f'The ending differs: {other!r} is there in place of {name!r}.'
    return None


def _elsewhere(
    dataset: DatasetConfig, file_name: str, found: str, root: str, trained: Collection[str]
) -> tuple[str, str]:
    """What to do about an image that is in another folder."""
    split = dataset.split
    if split != 'train' and found in trained:
        return f'an image of the train set: {found}', (
            f'These are images of the train set ({os.path.dirname(found)}): {dataset.argument("ann_file")!r} is not '
            f'the annotation file of the {split} images. Write that one there, or name it in {dataset.key}.ann_file.'
        )
    if found.endswith(os.path.normpath(file_name)):
        there = os.path.relpath(found[: len(found) - len(os.path.normpath(file_name))] or '.', root)
        fix = f'data_prefix=dict(img={there + "/"!r})'
        return fix, f'They are in another folder: write {fix} in {dataset.key}.'
    return f'it is at {found}', f'One of them is at {found}.'
