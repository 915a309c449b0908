"""Validation and test sets against the training data: the same images, and classes that it does not show."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import Rows
from swin_dense.checks.coco_usable import objects_by_class
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.scan import Facts

_NOISE = 0.01  # of a validation set: large public sets have a few pictures twice


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
    for each in data_sets:
        yield from _twice_within(each)
        if each.config.split == 'train' or not train:
            continue
        yield from _untrained(each, train)
        if any(os.path.realpath(each.file.path) == os.path.realpath(other.file.path) for other in train):
            yield _same_file(each)
        elif shared := _by_path(each, train):
            yield from _same_images(each, shared, 'image-in-train', 'by their path')
        elif shared := _by_content(each, train):
            yield from _same_images(each, shared, 'image-content-in-train', 'by their content')


def _same_file(data_set: LookedAt) -> Finding:
    return Finding(
        level='warning', rule='same-annotations', file=data_set.file.path, key=f'{data_set.config.key}.ann_file',
        value=data_set.config.argument('ann_file'),
        message=f'the {data_set.config.split} set is the train set: its AP says how well the images are remembered, '
        'not what is found in others.',
        remedy='Hold some images back in a file of their own.',
    )  # fmt: skip


def _by_path(data_set: LookedAt, train: Sequence[LookedAt]) -> dict[int, str]:
    known = {os.path.realpath(path): path for each in train for path in each.paths}
    found = {place: known.get(os.path.realpath(path)) for place, path in enumerate(data_set.paths)}
    return {place: path for place, path in found.items() if path}


def _by_content(data_set: LookedAt, train: Sequence[LookedAt]) -> dict[int, str]:
    known = {
        facts['digest']: each.paths[place] for each in train for place, facts in each.facts.items() if 'digest' in facts
    }
    found = {place: known.get(facts.get('digest')) for place, facts in data_set.facts.items()}
    return {place: path for place, path in found.items() if path}


def _same_images(data_set: LookedAt, shared: Mapping[int, str], rule: str, how: str) -> Iterator[Finding]:
    few = len(shared) <= _NOISE * len(data_set.paths)
    split = data_set.config.split
    cases = [
        Case(data_set.file.path, f'images[{place}].file_name', data_set.paths[place], f'remove it here or {path}')
        for place, path in shared.items()
    ]
    yield from one_finding(
        cases, level='warning' if few else 'error', rule=rule, file=data_set.file.path, key='images[].file_name',
        message=f'{len(cases):,} of {counted(len(data_set.paths), "image")} of the {split} set are in the train set, '
        f'too ({how}): {listed([case.value for case in cases[:3]])}. The AP counts what was learnt by heart.',
        remedy='Remove them from one of the two files.',
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
