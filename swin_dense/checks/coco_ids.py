"""Ids of an annotation file: entries that hide one another, and annotations of what is not there."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import Rows
from swin_dense.checks.findings import Case, Finding
from swin_dense.datasets.coco_json import repeated


def check_ids(file: CocoFile, rows: Rows) -> Iterator[Finding]:
    yield from _names_twice(file, rows)
    yield from _twice(file, 'categories', 'id', 'category-id-twice', 'the later category hides the earlier one')
    yield from _twice(
        file, 'images', 'id', 'image-id-twice', 'the later image hides the earlier one and gets its boxes'
    )
    yield from _twice(
        file, 'annotations', 'id', 'annotation-id-twice', 'the later object hides the earlier one; mmdet stops'
    )
    yield from _files_twice(file)
    yield from _without_category(file, rows)
    yield from _without_image(file, rows)


def _names_twice(file: CocoFile, rows: Rows) -> Iterator[Finding]:
    """Names of more than one category. Where one of them alone has annotations, the others are left from an export."""
    names = file.names
    twice = set(repeated(names))
    counts = np.bincount(rows.category[rows.category >= 0], minlength=len(names))
    empty = [place for place, name in enumerate(names) if name in twice and not counts[place]]
    rest = [name for place, name in enumerate(names) if place not in set(empty)]
    if not twice or not empty or repeated(rest) or not twice <= set(rest):
        yield from _twice(
            file, 'categories', 'name', 'category-name-twice', 'objects of one class would get two labels'
        )
        return
    ids = [f'id {file.categories[place]["id"]}' for place in empty[:5]]
    yield from one_finding(
        [Case(file.path, f'categories[{place}].name', names[place], 'remove this category') for place in empty],
        level='error', rule='category-name-twice', file=file.path, key='categories[].name',
        message=f'{listed(sorted(twice))}: more than one of the {len(names):,} categories has this name, and '
        f'{" and ".join(ids)} has no annotation.',
        remedy='Remove the category that has none from the file. (Roboflow writes the name of the project as a '
        'category; where it is called as no class, metainfo.classes can leave it out.)',
    )  # fmt: skip


def _twice(file: CocoFile, part: str, key: str, rule: str, effect: str) -> Iterator[Finding]:
    entries: list[dict[str, Any]] = getattr(file, part)
    values = [entry[key] for entry in entries]
    if not (twice := repeated(values)):
        return
    free = max((value for value in values if isinstance(value, int)), default=0)
    wanted, seen = set(twice), set()
    cases = []
    for place, value in enumerate(values):
        if value in wanted and value in seen:
            free += 1
            fix = f'{key}: {free}' if key == 'id' else f'another name, or its annotations to the first {value!r}'
            cases.append(Case(file.path, f'{part}[{place}].{key}', value, fix))
        seen.add(value)
    yield from one_finding(
        cases, level='error', rule=rule, file=file.path, key=f'{part}[].{key}',
        message=f'{listed(twice)}: more than one of the {len(values):,} {part} has this {key}: {effect}.',
        remedy=_remedy(part, key),
    )  # fmt: skip


def _remedy(part: str, key: str) -> str:
    if part == 'annotations':
        return 'Number the annotations anew: nothing refers to their ids.'
    if key == 'name':
        return (
            'Where they are one class, give the annotations of both the category_id of one, and remove the other '
            'category; where they are two, give each a name of its own.'
        )
    return f'Give each of the {part} a {key} of its own, and the annotations that mean it the same one.'


def _files_twice(file: CocoFile) -> Iterator[Finding]:
    names = [image['file_name'] for image in file.images]
    if not (twice := set(repeated(names))):
        return
    first: dict[str, int] = {}
    cases = []
    for place, image in enumerate(file.images):
        if image['file_name'] in twice and first.setdefault(image['file_name'], image['id']) != image['id']:
            fix = f'remove it, with image_id {first[image["file_name"]]} in its annotations'
            cases.append(Case(file.path, f'images[{place}].file_name', image['file_name'], fix))
    yield from one_finding(
        cases, level='error', rule='image-file-twice', file=file.path, key='images[].file_name',
        message=f'{counted(len(twice), "file")} stand in more than one of the {len(names):,} images: what is an object '
        'in one of them is background in the other.',
        remedy='Keep one entry a file, and give the annotations of the others its id.',
    )  # fmt: skip


def _without_category(file: CocoFile, rows: Rows) -> Iterator[Finding]:
    known = {category['id']: category['name'] for category in file.categories}
    places = np.flatnonzero(rows.category < 0)
    ids = sorted({file.annotations[place]['category_id'] for place in places})
    ids_of_file = sorted(known)
    hint = ''
    if ids and ids_of_file and {number + 1 for number in ids} & known.keys() and 0 in ids:
        hint = ' Annotations count from 0, categories from 1: one of them is to be moved by 1.'
    yield from one_finding(
        [
            Case(file.path, f'annotations[{place}].category_id', file.annotations[place]['category_id'],
                 f'one of {listed(ids_of_file)}')
            for place in places
        ],
        level='error', rule='unknown-category', file=file.path, key='annotations[].category_id',
        message=f'{len(places):,} of {counted(len(file.annotations), "annotation")} have the category ids '
        f'{listed(ids)}, and the categories of the file are {listed(known.items())}. mmdet leaves them out.',
        remedy=f'Add the missing categories to the file, or correct the ids.{hint}',
    )  # fmt: skip


def _without_image(file: CocoFile, rows: Rows) -> Iterator[Finding]:
    places = np.flatnonzero(rows.image < 0)
    total = len(file.annotations)
    ids = sorted({file.annotations[place]['image_id'] for place in places})
    yield from one_finding(
        [
            Case(file.path, f'annotations[{place}].image_id', file.annotations[place]['image_id'],
                 'remove the annotation, or add its image')
            for place in places
        ],
        # a part of a larger set often keeps all annotations
        level='error' if len(places) == total else 'warning', rule='unknown-image', file=file.path,
        key='annotations[].image_id',
        message=f'{len(places):,} of {counted(total, "annotation")} are of images that the file does not have '
        f'(image_id {listed(ids, 5)}): they are left out.',
        remedy='Add the images, or remove the annotations. Many of them mean that images and annotations come from '
        'different exports.',
    )  # fmt: skip
