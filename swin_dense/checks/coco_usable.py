"""What of an annotation file is trained on: which images and objects are left out and why, objects by class."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from swin_dense.checks.cases import counted, listed
from swin_dense.checks.coco_classes import names_by_label, orders_by_name
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import SOUND, Rows
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Finding, Level
from swin_dense.datasets.coco_json import nearest_name

_FILTERS = ('filter_empty_gt', 'min_size')
_MOST_NAMED = 20  # classes that a remedy lists
_FEW = 0.02  # COCO's recipe drops 1 % of the images, which have no objects


def kept_objects(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> tuple[np.ndarray, dict[str, int]]:
    """(which annotations become objects, how many do not by reason), by mmdet's rules; crowds are kept."""
    wanted = [place for place, name in enumerate(file.names) if name in names_by_label(dataset, file)]
    x, y, width, height = rows.boxes.T
    image_height, image_width = rows.limits.T
    inside = (np.minimum(x + width, image_width) > np.maximum(x, 0)) & (
        np.minimum(y + height, image_height) > np.maximum(y, 0)
    )
    reasons = {
        'of an image that the file does not have': rows.image < 0,
        'of a category that the file does not have': rows.category < 0,
        'of a class that the data set does not name': ~np.isin(rows.category, wanted),
        "marked 'ignore'": rows.is_ignored,
        'without a box of four numbers': rows.form != SOUND,
        'narrower or lower than one pixel': ~(np.min(rows.boxes[:, 2:], axis=1, initial=np.inf) >= 1),
        'outside their image': ~inside,
    }
    if not orders_by_name(dataset):
        reasons['without an area'] = ~(rows.areas > 0)
    kept = np.ones(len(rows.boxes), bool)
    lost = {}
    for reason, applies in reasons.items():
        lost[reason] = int((kept & applies).sum())
        kept &= ~applies
    return kept, {reason: count for reason, count in lost.items() if count}


def _remedy(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> str:
    empty = 'images' if not len(file.images) else 'annotations' if not len(rows.boxes) else ''
    if empty:
        return (
            f'the file has no {empty}: export it again with its labels, or name the file that has them in '
            f'{dataset.key}.ann_file.'
        )
    return 'Look at the reasons: each has an error of its own where it is a fault.'


def check_usable(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> Iterator[Finding]:
    kept, lost = kept_objects(dataset, file, rows)
    objects = kept & ~rows.is_crowd
    dropped = _dropped_images(dataset, file, rows)
    yield from _filter_keys(dataset)
    used = len(file.images) - sum(dropped.values())
    text = f'{_images_text(used, len(file.images), dropped)} {_objects_text(kept, rows, lost)}'
    if used == 0 or not objects.any():
        yield Finding(
            level='error', rule='nothing-usable', file=file.path, key=dataset.key,
            message=f'there is nothing to {"train on" if dataset.split == "train" else "measure with"}. {text}',
            remedy=_remedy(dataset, file, rows),
        )  # fmt: skip
        return
    yield Finding(level='ok', rule='usable', file=file.path, key=dataset.key, message=text)
    yield _histogram(dataset, file, rows, objects)
    has_objects = np.zeros(len(file.images), bool)
    has_objects[rows.image[kept]] = True
    yield from _dropped_or_empty(dataset, file, dropped, int((~has_objects).sum()))
    yield from _wrong_mode(dataset, dropped)
    yield from _classes_without_boxes(dataset, file, rows, objects)


def _images_text(used: int, total: int, dropped: Mapping[str, int]) -> str:
    reasons = _reasons(dropped)
    return f'{used:,} of {counted(total, "image")} are used{f"; dropped: {reasons}" if reasons else ""}.'


def _objects_text(kept: np.ndarray, rows: Rows, lost: Mapping[str, int]) -> str:
    crowds = int((kept & rows.is_crowd).sum())
    text = f'{int(kept.sum()) - crowds:,} of {counted(len(kept), "annotation")} are objects'
    text += f', {crowds:,} are crowds (neither object nor background)' if crowds else ''
    return f'{text}; left out: {_reasons(lost)}.' if lost else f'{text}.'


def _reasons(counts: Mapping[str, int]) -> str:
    return ', '.join(f'{count:,} {reason}' for reason, count in counts.items())


def _dropped_or_empty(
    dataset: DatasetConfig, file: CocoFile, dropped: Mapping[str, int], empty: int
) -> Iterator[Finding]:
    key, value = f'{dataset.key}.filter_cfg', dataset.argument('filter_cfg')
    if dropped and dataset.split == 'train':
        level: Level = 'warning' if sum(dropped.values()) > _FEW * len(file.images) else 'ok'
        yield Finding(
            level=level, rule='images-dropped', file=file.path, key=key, value=value,
            message=f'images are dropped: {_reasons(dropped)} of {len(file.images):,}.',
            remedy='' if level == 'ok' else 'To train on them take filter_empty_gt or min_size out of filter_cfg.',
        )  # fmt: skip
    elif empty:
        yield Finding(
            level='ok', rule='images-without-objects', file=file.path, key=key, value=value,
            message=f'{empty:,} of {counted(len(file.images), "image")} have no objects, and are kept: all of them is '
            'background.',
        )  # fmt: skip


def objects_by_class(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> dict[str, int]:
    kept, _ = kept_objects(dataset, file, rows)
    return _counts(dataset, file, rows, kept & ~rows.is_crowd)


def _counts(dataset: DatasetConfig, file: CocoFile, rows: Rows, objects: np.ndarray) -> dict[str, int]:
    counts = np.bincount(rows.category[objects], minlength=len(file.names))
    of_name = dict(zip(file.names, counts.tolist(), strict=True))
    return {name: of_name.get(name, 0) for name in names_by_label(dataset, file)}


def _histogram(dataset: DatasetConfig, file: CocoFile, rows: Rows, objects: np.ndarray) -> Finding:
    counts = sorted(_counts(dataset, file, rows, objects).items(), key=lambda item: -item[1])
    shown = ', '.join(f'{name} {count:,}' for name, count in counts[:20])
    if len(counts) > 20:
        shown += f', ... {counts[-1][0]} {counts[-1][1]:,} ({len(counts)} classes)'
    return Finding(level='ok', rule='class-histogram', file=file.path, key=dataset.key, message=f'objects: {shown}.')


def _dropped_images(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> dict[str, int]:
    """How many images mmdet's filter drops, by reason. It takes any annotation of a class for an object."""
    filters = dataset.argument('filter_cfg')
    if not isinstance(filters, Mapping) or dataset.argument('test_mode'):
        return {}
    wanted = [place for place, name in enumerate(file.names) if name in names_by_label(dataset, file)]
    has_any = np.zeros(len(file.images), bool)
    has_any[rows.image[(rows.image >= 0) & np.isin(rows.category, wanted)]] = True
    empty = ~has_any & bool(filters.get('filter_empty_gt', False))
    least = filters.get('min_size', 0) if _is_number(filters.get('min_size', 0)) else 0
    small = ~empty & (np.min(rows.sizes, axis=1, initial=np.inf) < least)
    counts = {
        'without objects (filter_empty_gt=True)': int(empty.sum()),
        f'with a side under {least} pixels (min_size)': int(small.sum()),
    }
    return {reason: count for reason, count in counts.items() if count}


def _filter_keys(dataset: DatasetConfig) -> Iterator[Finding]:
    filters = dataset.argument('filter_cfg')
    for name in filters if isinstance(filters, Mapping) else ():
        if name not in _FILTERS:
            near = nearest_name(str(name), _FILTERS)
            yield Finding(
                level='error', rule='filter-key', key=f'{dataset.key}.filter_cfg.{name}', value=filters[name],
                message=f'nothing reads it: filter_cfg has {listed(_FILTERS)}.',
                remedy=f'Write {near!r}.' if near else 'Take it out.',
            )  # fmt: skip
        elif name == 'min_size' and not _is_number(filters[name]):
            yield Finding(
                level='error', rule='filter-key', key=f'{dataset.key}.filter_cfg.{name}', value=filters[name],
                message='it is the least length of a side in pixels, a number.', remedy='Write min_size=32.',
            )  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _wrong_mode(dataset: DatasetConfig, dropped: Mapping[str, int]) -> Iterator[Finding]:
    key = f'{dataset.key}.test_mode'
    if dataset.split == 'train':
        if dataset.argument('test_mode') and dataset.argument('filter_cfg'):
            yield Finding(
                level='warning', rule='test-mode', key=key, value=True,
                message='with test_mode=True filter_cfg has no effect.', remedy='Take test_mode out of the train set.',
            )  # fmt: skip
    elif dataset.argument('filter_cfg') and not dataset.argument('test_mode'):
        yield Finding(
            level='error' if dropped else 'warning', rule='test-mode', key=key, value=dataset.argument('test_mode'),
            message=f'without test_mode=True filter_cfg drops images of the {dataset.split} set: '
            f'{_reasons(dropped) or "none of the present ones"}. What is found wrongly in them would not count.',
            remedy='Write test_mode=True.',
        )  # fmt: skip


def _classes_without_boxes(
    dataset: DatasetConfig, file: CocoFile, rows: Rows, objects: np.ndarray
) -> Iterator[Finding]:
    lacking = [name for name, count in _counts(dataset, file, rows, objects).items() if not count]
    if not lacking or dataset.split != 'train':
        return
    kept = tuple(name for name in names_by_label(dataset, file) if name not in lacking)
    above = [
        name for name in lacking
        if any(each.get('supercategory') == name and each['name'] != name for each in file.categories)
    ]  # fmt: skip
    what = f' {listed(above)} is the supercategory of the others, as Roboflow exports it: no class.' if above else ''
    write = f'metainfo=dict(classes={kept!r})' if len(kept) <= _MOST_NAMED else 'metainfo.classes without them'
    yield Finding(
        level='warning', rule='class-without-objects', file=file.path, key=f'{dataset.key}.metainfo.classes',
        value=lacking,
        message=f'the train set has no object of {listed(lacking)}: such classes are not learnt.{what}',
        remedy=f'Leave them out: {write} in all data sets. Or add images of them.',
    )  # fmt: skip
