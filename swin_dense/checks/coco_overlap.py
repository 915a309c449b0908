"""Validation and test sets against the training data: the same images, and classes that it does not show."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import Rows
from swin_dense.checks.coco_usable import objects_by_class
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.file_names import RealPaths
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.scan import Facts
from swin_dense.checks.train_overlap import ImageSet, in_train


@dataclass(frozen=True, eq=False, kw_only=True)
class LookedAt:
    """A data set with its content; `facts` by place of the image."""

    config: DatasetConfig
    file: CocoFile
    rows: Rows
    paths: Sequence[str]
    facts: Mapping[int, Facts]


def check_overlap(data_sets: Sequence[LookedAt]) -> Iterator[Finding]:
    """Compare each validation and test set with all of the training data."""
    train = [each for each in data_sets if each.config.split == 'train']
    real = RealPaths()
    for each in data_sets:
        yield from _twice_within(each)
        if each.config.split == 'train' or not train:
            continue
        yield from _untrained(each, train)
        if any(os.path.realpath(each.file.path) == os.path.realpath(other.file.path) for other in train):
            yield _same_file(each)
        elif original := next((other for other in train if _is_copy(each.file, other.file)), None):
            yield _copied(each, original)
        else:
            yield from in_train(
                _image_set(each), [_image_set(other) for other in train], real, measured='AP', case=_case_of(each)
            )


def _image_set(data_set: LookedAt) -> ImageSet:
    return ImageSet(
        split=data_set.config.split,
        file=data_set.file.path,
        key='images[].file_name',
        paths=data_set.paths,
        digests={place: facts['digest'] for place, facts in data_set.facts.items() if 'digest' in facts},
    )


def _case_of(data_set: LookedAt) -> Callable[[int, str], Case]:
    file, paths = data_set.file, data_set.paths
    return lambda place, other: Case(
        file.path, f'images[{place}].file_name', paths[place], f'remove it here or {other}'
    )


def _is_copy(file: CocoFile, other: CocoFile) -> bool:
    """Whether two files have the same images and annotations."""
    return bool(file.images) and file.images == other.images and file.annotations == other.annotations


def _copied(data_set: LookedAt, train: LookedAt) -> Finding:
    split, key = data_set.config.split, data_set.config.key
    beside = f' in {os.path.dirname(data_set.paths[0]) or "."}' if data_set.paths else ''
    return Finding(
        level='error', rule='annotations-copied', file=data_set.file.path, key=f'{key}.ann_file',
        value=data_set.config.argument('ann_file'),
        message=f'it has the same {counted(len(data_set.file.images), "image")} and annotations as {train.file.path}, '
        f'the file of the train set: a copy, which does not tell what is{beside}.',
        remedy=f'Put the annotations of the {split} images there, or name their file in {key}.ann_file.',
    )  # fmt: skip


def _same_file(data_set: LookedAt) -> Finding:
    return Finding(
        level='warning', rule='same-annotations', file=data_set.file.path, key=f'{data_set.config.key}.ann_file',
        value=data_set.config.argument('ann_file'),
        message=f'the {data_set.config.split} set is the train set: its AP says how well the images are remembered, '
        'not what is found in others.',
        remedy='Hold some images back in a file of their own.',
    )  # fmt: skip


def _twice_within(data_set: LookedAt) -> Iterator[Finding]:
    places = defaultdict(list)
    for place, facts in data_set.facts.items():
        if 'digest' in facts:
            places[facts['digest']].append(place)
    groups = [group for group in places.values() if len({data_set.paths[place] for place in group}) > 1]
    cases = [
        Case(
            data_set.file.path,
            f'images[{place}].file_name',
            data_set.paths[place],
            f'equals {data_set.paths[group[0]]}',
        )
        for group in groups
        for place in group[1:]
    ]
    yield from one_finding(
        cases, level='warning', rule='image-content-twice', file=data_set.file.path, key='images[].file_name',
        message=f'{counted(len(cases), "image")} of the {data_set.config.split} set have the content of another one.',
        remedy='Keep one of each.',
    )  # fmt: skip


def _untrained(data_set: LookedAt, train: Sequence[LookedAt]) -> Iterator[Finding]:
    trained = {
        name for each in train for name, count in objects_by_class(each.config, each.file, each.rows).items() if count
    }
    counts = objects_by_class(data_set.config, data_set.file, data_set.rows)
    if unknown := [name for name, count in counts.items() if count and name not in trained]:
        yield Finding(
            level='warning', rule='class-not-trained', file=data_set.file.path, key=data_set.config.key, value=unknown,
            message=f'the {data_set.config.split} set has objects of {listed(unknown)}, and the train set has none: '
            'their AP will be 0.',
            remedy='Split the images anew, so that the train set has some of each class.',
        )  # fmt: skip
