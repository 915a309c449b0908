"""Classes of a data set against the categories of its file: what is called what, and in which order."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import Rows
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Case, Finding
from swin_dense.datasets.coco_json import nearest_name, repeated

_LIKE_CLASSES = ('class', 'classname', 'classnames', 'names', 'labels', 'categories', 'categorynames', 'thingclasses')
_OURS = "type='swin_dense.CocoDataset'"


def orders_by_name(dataset: DatasetConfig) -> bool:
    """Whether label i is class i: in this package's data set, while mmdet's counts by the file's order."""
    return hasattr(dataset.cls, 'category_names')


def class_names(dataset: DatasetConfig, file: CocoFile) -> tuple[str, ...]:
    """The names that will be in force: those given, else the file's, or for mmdet's data set those of its type."""
    given = _given(dataset)
    if isinstance(given, str):
        if not os.path.isfile(given):  # mmengine reads a list from a file of that name
            return ()
        with open(given, encoding='utf-8') as lines:
            return tuple(line.rstrip('\n\r') for line in lines)
    if given is None:
        return tuple(file.names) if orders_by_name(dataset) else tuple(_of_type(dataset))
    return tuple(name for name in given if isinstance(name, str)) if isinstance(given, Sequence) else ()


def names_by_label(dataset: DatasetConfig, file: CocoFile) -> tuple[str, ...]:
    """What the objects of each label are called in the file."""
    names = class_names(dataset, file)
    return names if orders_by_name(dataset) else tuple(name for name in file.names if name in names)


def is_named(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> np.ndarray:
    """(annotations,) whether each is of a class of the data set; all of them where no class of it is in the file."""
    names = names_by_label(dataset, file)
    found = np.isin(rows.category, [place for place, name in enumerate(file.names) if name in names])
    return found if found.any() else np.ones(len(found), bool)


def check_classes(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> Iterator[Finding]:
    metainfo = dataset.argument('metainfo')
    key = f'{dataset.key}.metainfo'
    if isinstance(metainfo, Mapping) and 'classes' not in metainfo:
        yield from _misspelt(metainfo, key, dataset)
    problem = _not_a_list(_given(dataset), f'{key}.classes')
    if problem:
        yield problem
        return
    names = class_names(dataset, file)
    if repeated(names):  # said for data sets of all kinds, or of the categories of the file
        return
    if _given(dataset) is None and set(names) != set(file.names):
        yield _default_classes(dataset, file, rows, names)
        return
    yield from _not_in_file(dataset, file, names)
    yield from _other_order(dataset, file, names)
    yield from _left_out(dataset, file, rows, names)


def _given(dataset: DatasetConfig) -> Any:
    metainfo = dataset.argument('metainfo')
    return metainfo.get('classes') if isinstance(metainfo, Mapping) else None


def _of_type(dataset: DatasetConfig) -> Sequence[str]:
    return (getattr(dataset.cls, 'METAINFO', None) or {}).get('classes') or ()


def _misspelt(metainfo: Mapping[str, Any], key: str, dataset: DatasetConfig) -> Iterator[Finding]:
    wrong = next((each for each in metainfo if _means_classes(str(each))), None)
    if wrong is not None:
        effect = 'the classes of the file' if orders_by_name(dataset) else f"COCO's {len(_of_type(dataset))} classes"
        yield Finding(
            level='error', rule='metainfo-key', key=f'{key}.{wrong}', value=metainfo[wrong],
            message=f'nothing reads metainfo.{wrong}: {effect} are in force.', remedy="Call it 'classes'.",
        )  # fmt: skip


def _means_classes(key: str) -> bool:
    letters = re.sub('[^a-z]', '', key.lower())
    return letters in _LIKE_CLASSES or bool(difflib.get_close_matches(letters, ['classes'], cutoff=0.8))


def _not_a_list(given: Any, key: str) -> Finding | None:
    if isinstance(given, str):
        if os.path.isfile(given):
            return None
        remedy = f'Write classes=({given!r},): with the comma, one name is a list, too.'
        message = f'classes are a list of names. This is one word, whose {len(given)} letters would be the classes.'
    elif given is None or (isinstance(given, Sequence) and given and all(isinstance(name, str) for name in given)):
        return None
    else:
        message, remedy = 'classes are a list of names, at least one.', "Write classes=('cat', 'dog')."
    return Finding(level='error', rule='classes-not-a-list', key=key, value=given, message=message, remedy=remedy)


def _default_classes(dataset: DatasetConfig, file: CocoFile, rows: Rows, names: Sequence[str]) -> Finding:
    lost = ~np.isin(rows.category, [place for place, name in enumerate(file.names) if name in names])
    return Finding(
        level='error', rule='default-classes', file=file.path, key=f'{dataset.key}.metainfo',
        value=dataset.argument('metainfo'),
        message=f'the config names no classes, so the {len(names)} of type {dataset.cfg.get("type")!r} are in force: '
        f'{listed(names, 5)}. The file has {len(file.names)}: {listed(file.names)}. {int(lost.sum()):,} of '
        f'{counted(len(lost), "annotation")} would be left out, and the rest be called by wrong names.',
        remedy=f'Take {_OURS}, which reads the classes from the file, or write '
        f'metainfo=dict(classes={tuple(file.names[:20])!r}).',
    )  # fmt: skip


def _not_in_file(dataset: DatasetConfig, file: CocoFile, names: Sequence[str]) -> Iterator[Finding]:
    missing = [name for name in names if name not in file.names]
    key = f'{dataset.key}.metainfo.classes'
    cases = []
    for name in missing:
        near = nearest_name(name, file.names)
        fix = f'{near!r}' if near else f'remove it, or add {{"id": ..., "name": "{name}"}} to categories of the file'
        cases.append(Case(file.path, f'{key}.{list(names).index(name)}', name, fix))
    near_misses = [f'{case.fix} for {case.value!r}' for case in cases if case.fix.startswith(("'", '"'))]
    meant = f' Did you mean {", ".join(near_misses)}?' if near_misses else ''
    yield from one_finding(
        cases, level='error', rule='class-not-in-file', file=file.path, key=key,
        message=f'the file has no {listed(missing)}. Classes of the data set: {listed(names)}. Categories of the file: '
        f'{listed(file.names)}.',
        remedy=f'Names are compared letter by letter.{meant} A class without objects is to be among the categories '
        f'of the file, too; without metainfo.classes, {_OURS} takes those of the file.',
    )  # fmt: skip


def _other_order(dataset: DatasetConfig, file: CocoFile, names: Sequence[str]) -> Iterator[Finding]:
    if orders_by_name(dataset):
        return
    labels = names_by_label(dataset, file)
    kept = tuple(name for name in names if name in file.names)
    if labels == kept:
        return
    wrong = [f'{theirs!r} is called {ours!r}' for theirs, ours in zip(labels, kept, strict=False) if theirs != ours]
    yield Finding(
        level='error', rule='class-order', file=file.path, key=f'{dataset.key}.metainfo.classes', value=tuple(names),
        message=f'the file has them in the order {listed(labels)}, by which mmdet numbers them: in pictures and tables '
        f'{", ".join(wrong[:5])}{", ..." if len(wrong) > 5 else ""}.',
        remedy=f'Take {_OURS}, whose labels follow classes, or write classes={labels!r}.',
    )  # fmt: skip


def _left_out(dataset: DatasetConfig, file: CocoFile, rows: Rows, names: Sequence[str]) -> Iterator[Finding]:
    counts = np.bincount(rows.category[rows.category >= 0], minlength=len(file.categories))
    lost = {name: int(count) for name, count in zip(file.names, counts, strict=True) if name not in names and count}
    if lost:
        shown = ', '.join(f'{count:,} of {name!r}' for name, count in list(lost.items())[:20])
        yield Finding(
            level='warning', rule='classes-left-out', file=file.path, key=f'{dataset.key}.metainfo.classes',
            value=tuple(names),
            message=f'annotations of classes that the data set does not name are left out, so their objects are '
            f'background: {shown}{", ..." if len(lost) > 20 else ""}; {sum(lost.values()):,} of '
            f'{len(file.annotations):,}.',
            remedy='Name these classes, too, if they are to be found.',
        )  # fmt: skip
