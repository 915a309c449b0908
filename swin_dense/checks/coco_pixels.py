"""Image files looked into: whether they can be decoded, and are of the size that the annotations were made for."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.coco_classes import orders_by_name
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_images import Folders
from swin_dense.checks.coco_rows import Rows
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Case, Depth, Finding, Level
from swin_dense.checks.image_facts import header_facts, pixel_facts, seen_size, turns_by_exif
from swin_dense.checks.scan import Facts, evenly, scan_files
from swin_dense.datasets.image_headers import SIDEWAYS

_LOOKED_AT_QUICKLY = 64


def look_into_images(dataset: DatasetConfig, paths: Sequence[str], folders: Folders, depth: Depth) -> dict[int, Facts]:
    """Facts of the images that are there, by their place: of all that decode at full depth, else headers of some."""
    places = [place for place, path in enumerate(paths) if folders.has(path)]
    if depth == 'quick':
        places, inspect, kind = evenly(places, _LOOKED_AT_QUICKLY), header_facts, 'image-header-1'
    else:
        inspect, kind = pixel_facts, 'image-1'
    found = scan_files([paths[place] for place in places], inspect, kind=kind, title=f'{dataset.split} images')
    return dict(zip(places, found, strict=True))


def check_sizes(dataset: DatasetConfig, file: CocoFile) -> Iterator[Finding]:
    """Sizes of images in the file that are no whole numbers: pycocotools makes masks of whole ones alone."""
    levels: tuple[tuple[bool, Level], ...] = ((False, 'error'), (True, 'warning'))
    for is_whole, level in levels:
        cases = [
            Case(file.path, f'images[{place}].{side}', value, f'{side}: {round(value)}')
            for place, image in enumerate(file.images)
            for side in ('height', 'width')
            if isinstance(value := image.get(side), float) and np.isfinite(value) and value.is_integer() == is_whole
        ]
        if is_whole and orders_by_name(dataset):  # it makes 640 of 640.0
            continue
        yield from one_finding(
            cases, level=level, rule='image-size-not-whole', file=file.path, key='images[].height',
            message=f'{len(cases):,} heights and widths are no whole numbers, and mmdet stops at them when masks are '
            'measured.' if is_whole else f'{len(cases):,} heights and widths are parts of pixels: an image has none.',
            remedy="Write whole numbers, or take type='swin_dense.CocoDataset', which reads 640.0 as 640." if is_whole
            else 'Write height and width of the picture in pixels, whole numbers.',
        )  # fmt: skip


def check_pixels(
    dataset: DatasetConfig, file: CocoFile, rows: Rows, paths: Sequence[str], facts: Mapping[int, Facts]
) -> Iterator[Finding]:
    yield from _unreadable(file, paths, facts)
    turns = turns_by_exif(dataset.argument('pipeline'))
    rotated, other = [], []
    for place, found in facts.items():
        if 'height' not in found:
            continue
        stored, seen = (found['height'], found['width']), seen_size(found, turns)
        given = tuple(rows.sizes[place])
        key, shown = f'images[{place}]', _size_text(given)
        if not given[0] >= 1 or not given[1] >= 1:
            continue
        if given != seen and given in (stored, stored[::-1]) and found['orientation'] in SIDEWAYS:
            rotated.append(
                Case(paths[place], key, shown, f'EXIF orientation {found["orientation"]}: {_size_text(seen)}')
            )
        elif given != seen:
            other.append(Case(paths[place], key, shown, f'the file has {_size_text(seen)}'))
    yield from _sizes_missing(file, _without_size(file, rows, facts, turns))
    yield from _rotated(file, rotated, len(facts), turns)
    yield from _other_sizes(file, other, len(facts))


def _unreadable(file: CocoFile, paths: Sequence[str], facts: Mapping[int, Facts]) -> Iterator[Finding]:
    reasons = {place: found.get('broken') or found.get('unreadable') for place, found in facts.items()}
    cases = [
        Case(paths[place], f'images[{place}]', reason, 'write or copy the image again, or take it out of the file')
        for place, reason in reasons.items()
        if reason
    ]
    yield from one_finding(
        cases, level='error', rule='image-unreadable', file=file.path, key='images[].file_name',
        message=f'{len(cases):,} of {counted(len(facts), "image")} that were looked into give no whole picture: '
        f'{listed([f"{case.file}: {case.value}" for case in cases[:3]])}.',
        remedy='Write or copy them again, or take their images out of the file.',
    )  # fmt: skip


def _size_text(size: Sequence[float]) -> str:
    return f'{size[0]:.0f} high, {size[1]:.0f} wide'


def _without_size(file: CocoFile, rows: Rows, facts: Mapping[int, Facts], turns: bool) -> list[Case]:
    cases = []
    for place, image in enumerate(file.images):
        if not (rows.sizes[place] >= 1).all():
            found = facts.get(place, {})
            size = seen_size(found, turns) if 'height' in found else None
            fix = f'height: {size[0]}, width: {size[1]}' if size else 'the size of the picture in pixels'
            cases.append(Case(file.path, f'images[{place}].height', (image.get('height'), image.get('width')), fix))
    return cases


def _sizes_missing(file: CocoFile, cases: Sequence[Case]) -> Iterator[Finding]:
    yield from one_finding(
        cases, level='error', rule='image-size-missing', file=file.path, key='images[].height',
        message=f"{len(cases):,} of {counted(len(file.images), 'image')} have no 'height' and 'width' above 0: mmdet "
        'stops at them, or leaves all of their boxes out.',
        remedy="Write 'height' and 'width' of the pictures, in pixels.",
    )  # fmt: skip


def _rotated(file: CocoFile, cases: Sequence[Case], total: int, turns: bool) -> Iterator[Finding]:
    if turns:
        message = (
            f'{len(cases):,} of {counted(total, "image")} that were looked into are turned by their EXIF orientation '
            'when they are loaded, and the file gives the size that they are stored in: the boxes were probably drawn '
            'without turning them.'
        )
        remedy = (
            "Where they were, load as stored: dict(type='LoadImageFromFile', color_type='color_ignore_orientation') in "
            'all pipelines. Where boxes fit the upright picture, correct height and width.'
        )
    else:
        message = (
            f'{len(cases):,} of {counted(total, "image")} that were looked into have an EXIF orientation, which this '
            'pipeline ignores, and the file gives the upright size.'
        )
        remedy = "Take color_type='color' in LoadImageFromFile, or store the pictures upright, without EXIF."
    yield from one_finding(
        cases,
        level='error',
        rule='image-rotated',
        file=file.path,
        key='images[].height',
        message=message,
        remedy=remedy,
    )


def _other_sizes(file: CocoFile, cases: Sequence[Case], total: int) -> Iterator[Finding]:
    shown = '; '.join(f'{case.file} is {case.value} by the file, and {case.fix}' for case in cases[:3])
    yield from one_finding(
        cases, level='error', rule='image-size', file=file.path, key='images[].height',
        message=f'{len(cases):,} of {counted(total, "image")} that were looked into are not of the size that the '
        f'annotation file gives: {shown}.',
        remedy='Boxes are in pixels of the picture that was annotated: put that one there, or scale the boxes with it. '
        'Where only height and width are wrong, or swapped, correct them.',
    )  # fmt: skip
