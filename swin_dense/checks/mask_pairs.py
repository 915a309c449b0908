"""Images and masks on disk: which belong together, and which are alone."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.file_names import ACCENTS, differ_in_accents_alone
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.mask_folders import folders_swapped
from swin_dense.checks.mask_lists import listed_stems
from swin_dense.checks.mask_names import (
    Folders,
    names_by_plain_stem,
    names_by_stem,
    pairing_endings,
    plain_stem,
)
from swin_dense.checks.mask_sources import MaskSource
from swin_dense.datasets.pairing import IMAGE_SUFFIXES, stem_of

_OWN = "type='swin_dense.SegmentationDataset'"
_MOST = 0.5  # of the images that endings have to pair
_LOSSY = ('.jpg', '.jpeg')
_ALL_BUT_PNG = 'Renaming them, or saving these as PNG, keeps the wrong numbers.'


@dataclass
class Pairs:
    """Paths of images and masks that both are there, and what was found on the way."""

    paths: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def find_pairs(source: MaskSource, folders: Folders) -> Pairs:
    """Pair the files of a data set as its class does."""
    pairs = Pairs()
    pairs.findings += _folder_findings(source)
    if pairs.findings or source.mask_folder is None:
        return pairs
    images, masks = folders.names(source.image_folder), folders.names(source.mask_folder)
    if swapped := folders_swapped(source, images, masks):
        pairs.findings.append(swapped)
        return pairs
    by_stem = names_by_stem(images, source.image_suffixes, source)
    if _in_one_folder(source) and source.pairs_by_stem:
        by_stem = {stem: name for stem, name in by_stem.items() if stem_of(name, source.mask_suffixes) is None}
    mask_by_stem = names_by_stem(masks, source.mask_suffixes, source)
    pairs.findings += _same_stems(source, images, source.image_folder)
    wanted = list(by_stem)
    if source.ann_file:
        wanted, found = listed_stems(source, by_stem, images)
        pairs.findings += found
    if not by_stem:
        pairs.findings.append(_no_images(source, images))
        return pairs
    pairs.paths = [
        (os.path.join(source.image_folder, by_stem[stem]), os.path.join(source.mask_folder, mask_by_stem[stem]))
        for stem in wanted
        if stem in mask_by_stem
    ]
    if wanted and not pairs.paths and (other := _other_endings(source, list(by_stem.values()), masks)):
        pairs.findings.append(other)
        return pairs
    pairs.findings += _images_alone(source, by_stem, [stem for stem in wanted if stem not in mask_by_stem], masks)
    if not source.ann_file:
        pairs.findings += _masks_alone(source, by_stem, mask_by_stem, folders)
        pairs.findings += _images_not_taken(source, by_stem, images)
    if not pairs.paths and not any(finding.level == 'error' for finding in pairs.findings):
        pairs.findings.append(_empty(source))
    return pairs


def _in_one_folder(source: MaskSource) -> bool:
    return os.path.realpath(source.image_folder) == os.path.realpath(source.mask_folder or '')


def _folder_findings(source: MaskSource) -> Iterator[Finding]:
    prefix = f'{source.key}.data_prefix'
    if source.mask_folder is None:
        yield Finding(
            level='error', rule='no-masks', key=f'{prefix}.seg_map_path',
            message=f'the {source.split} set names no folder of masks, and '
            + ('training learns from them.' if source.split == 'train' else 'mIoU is counted with them.'),
            remedy="give data_prefix=dict(img_path=..., seg_map_path='annotations/...')"
            + ('.' if source.split == 'train' else ', or leave val_dataloader, val_cfg and val_evaluator out.'),
        )  # fmt: skip
        return
    for key, folder in (('img_path', source.image_folder), ('seg_map_path', source.mask_folder)):
        if not os.path.isdir(folder):
            yield _no_folder(source, f'{prefix}.{key}', folder)
    several = [
        key
        for key, suffixes in (('img_suffix', source.image_suffixes), ('seg_map_suffix', source.mask_suffixes))
        if len(suffixes) > 1
    ]
    if several and not source.pairs_by_stem:
        kind = source.dataset.cfg.get('type')
        yield Finding(
            level='error', rule='several-suffixes', key=f'{source.key}.{several[0]}',
            value=source.dataset.cfg.get(several[0]),
            message=f'{kind} takes one ending: of several it makes wrong names of masks.',
            remedy=f'take {_OWN}, which takes any number of endings.',
        )  # fmt: skip


def _no_folder(source: MaskSource, key: str, folder: str) -> Finding:
    parent = Path(folder).parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    inside = sorted(entry.name for entry in os.scandir(parent) if entry.is_dir() and not entry.name.startswith('.'))
    return Finding(
        level='error', rule='folder-missing', file=folder, key=key, value=folder,
        message=f'the {source.split} set has no folder {folder} (looked from {Path.cwd()}). '
        f'{parent} has the folders {listed(inside, 10) or "none"}.',
        remedy=f'correct data_root or {key.rsplit(".", 1)[-1]} in data_prefix of {source.key}.',
    )  # fmt: skip


def _same_stems(source: MaskSource, images: Sequence[str], folder: str) -> Iterator[Finding]:
    if not source.pairs_by_stem:
        return
    counts = Counter(stem for name in images if (stem := stem_of(name, source.image_suffixes)) is not None)
    cases = [
        Case(os.path.join(folder, name), '', None, 'rename or remove it or the other one')
        for name in images
        if counts.get(stem_of(name, source.image_suffixes) or '', 0) > 1
    ]
    yield from one_finding(
        cases, level='error', rule='same-stem', file=folder, key=f'{source.key}.img_suffix',
        message=f'{counted(len(cases), "image")} have a name that another has with another ending: whose mask it is '
        'cannot be told.',
        remedy='rename or remove one of each, or name fewer endings in img_suffix.',
    )  # fmt: skip


def _no_images(source: MaskSource, images: Sequence[str]) -> Finding:
    there = Counter(Path(name).suffix for name in images)
    usual = [suffix for suffix in there if suffix.lower() in IMAGE_SUFFIXES]
    shown = ', '.join(f'{count:,} {suffix or "without ending"}' for suffix, count in there.most_common(5)) or 'none'
    remedy = f'img_suffix={usual[0]!r} in {source.key}' if usual else 'correct data_prefix.img_path or data_root'
    if len(usual) > 1:
        remedy = f'{_OWN} in {source.key}, which takes all of them'
    return Finding(
        level='error', rule='no-images', file=source.image_folder, key=f'{source.key}.img_suffix',
        value=_shown_suffixes(source.image_suffixes),
        message=f'the {source.split} set is empty: {source.image_folder} has no file that ends in '
        f'{" or ".join(source.image_suffixes)}. Files there: {shown}.',
        remedy=f'{remedy}.',
    )  # fmt: skip


def _other_endings(source: MaskSource, images: Sequence[str], masks: Sequence[str]) -> Finding | None:
    """Where no image has a mask, and all would with other endings: one finding with these."""
    image_ending, mask_ending, count = pairing_endings(images, masks)
    if count < _MOST * len(images):
        return None
    arguments = [] if image_ending in source.image_suffixes else [f'img_suffix={image_ending!r}']
    arguments += [] if mask_ending in source.mask_suffixes else [f'seg_map_suffix={mask_ending!r}']
    if not arguments:  # the endings are not what is wrong
        return None
    if mask_ending.lower().endswith(_LOSSY):
        remedy = f'the masks are JPEG, which changes numbers near edges: export them anew as PNG. {_ALL_BUT_PNG}'
    else:
        remedy = f'write {", ".join(arguments)} in {source.key}.'
        remedy += '' if source.pairs_by_stem else f' Or take {_OWN}: several endings, in upper or lower case.'
    mask = next(name for name in masks if name.endswith(mask_ending))
    return Finding(
        level='error', rule='image-without-mask', file=source.mask_folder or '',
        key=f'{source.key}.data_prefix.seg_map_path',
        message=f'{len(images):,} of {len(images):,} images of the {source.split} set have no mask '
        f'{_wanted(source.mask_suffixes)} in {source.mask_folder}. There is {mask}: {count:,} images end in '
        f'{image_ending} and their masks in {mask_ending}.',
        remedy=remedy,
    )  # fmt: skip


def _images_alone(
    source: MaskSource, by_stem: Mapping[str, str], lonely: Sequence[str], masks: Sequence[str]
) -> Iterator[Finding]:
    others = names_by_plain_stem(masks) if lonely else {}
    nears = {stem: others[plain_stem(stem)] for stem in lonely if plain_stem(stem) in others}
    cases = []
    for stem in lonely:
        near = nears.get(stem)
        fix = f'rename {near}' if near else 'make its mask, or remove it'
        cases.append(Case(os.path.join(source.image_folder, by_stem[stem]), '', None, fix))
    near_stem, near = next(iter(nears.items()), ('', ''))
    hint = f' There is {near}.' if near else ''
    remedy = f'put the masks there, or take the images away{f", or rename masks such as {near}" if near else ""}.'
    if near and differ_in_accents_alone(near_stem, os.path.splitext(near)[0]):
        hint = f' There is {near!a}, for {near_stem!a}: they look the same.'
        remedy = ACCENTS
    yield from one_finding(
        cases, level='error', rule='image-without-mask', file=source.mask_folder or '',
        key=f'{source.key}.data_prefix.seg_map_path',
        message=f'{len(lonely):,} of {len(by_stem):,} images of the {source.split} set have no mask '
        f'{_wanted(source.mask_suffixes)} in {source.mask_folder}: {listed([case.file for case in cases], 3)}.{hint}',
        remedy=remedy,
    )  # fmt: skip


def _masks_alone(
    source: MaskSource, by_stem: Mapping[str, str], mask_by_stem: Mapping[str, str], folders: Folders
) -> Iterator[Finding]:
    taken = set(by_stem.values()) if _in_one_folder(source) else set()
    sharing = folders.sharing_masks(source)
    stems = set(by_stem).union(
        *(names_by_stem(folders.names(each.image_folder), each.image_suffixes, source) for each in sharing)
    )
    alone = {stem: name for stem, name in mask_by_stem.items() if stem not in stems and name not in taken}
    if not alone or (sharing and folders.is_said(source.mask_folder or '')):
        return
    others = names_by_plain_stem(folders.names(source.image_folder))
    cases, nears = [], []
    for stem, name in alone.items():
        near = others.get(plain_stem(stem))
        nears += [near] if near else []
        fix = f'its image is {near}, which img_suffix does not take' if near else 'put its image back, or remove it'
        cases.append(Case(os.path.join(source.mask_folder or '', name), '', None, fix))
    if nears and any(differ_in_accents_alone(os.path.splitext(nears[0])[0], stem) for stem in alone):
        return  # said of the images
    where = f' in {source.image_folder}' + ''.join(f' or {each.image_folder}' for each in sharing)
    yield from one_finding(
        # a folder that several sets share may have masks of one more, of a test set
        cases, level='warning' if sharing else 'error', rule='mask-without-image', file=source.image_folder,
        key=f'{source.key}.data_prefix.img_path',
        message=f'{len(cases):,} of {len(mask_by_stem):,} masks of the {source.split} set have no image '
        f'{_wanted(source.image_suffixes)}{where}, and are left out without a word: '
        f'{listed([case.file for case in cases], 3)}.' + (f' There is {nears[0]}.' if nears else ''),
        remedy=f'take {_OWN}, which takes several endings, in upper or lower case.' if nears
        else 'put the images back, or take the masks away.',
    )  # fmt: skip


def _images_not_taken(source: MaskSource, by_stem: Mapping[str, str], images: Sequence[str]) -> Iterator[Finding]:
    if _in_one_folder(source):
        return
    taken = set(by_stem.values())
    cases = [
        Case(os.path.join(source.image_folder, name), '', None, 'rename it, or name its ending in img_suffix')
        for name in images
        if name not in taken and Path(name).suffix.lower() in IMAGE_SUFFIXES
    ]
    yield from one_finding(
        cases, level='warning', rule='images-not-taken', file=source.image_folder, key=f'{source.key}.img_suffix',
        message=f'{len(cases):,} images in {source.image_folder} do not end in {" or ".join(source.image_suffixes)}, '
        f'and are left out: {listed([case.file for case in cases], 3)}.',
        remedy=f'take {_OWN}, which takes several endings, in upper or lower case.',
    )  # fmt: skip


def _empty(source: MaskSource) -> Finding:
    return Finding(
        level='error', rule='no-images', file=source.ann_file or source.image_folder, key=f'{source.key}.ann_file',
        message=f'the {source.split} set is empty: {source.ann_file or source.image_folder} names no image.',
        remedy='write a name a line, or leave ann_file out to take the whole folder.',
    )  # fmt: skip


def _wanted(suffixes: Sequence[str]) -> str:
    return f'NAME{" or NAME".join(suffixes)}'


def _shown_suffixes(suffixes: Sequence[str]) -> str | Sequence[str]:
    return suffixes[0] if len(suffixes) == 1 else suffixes
