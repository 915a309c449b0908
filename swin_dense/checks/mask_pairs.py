"""Images and masks on disk: which belong together, and which are alone."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.mask_sources import MaskSource
from swin_dense.datasets.pairing import IMAGE_SUFFIXES, stem_of

_OWN = "type='swin_dense.SegmentationDataset'"


@dataclass
class Pairs:
    """Paths of images and masks that both are there, and what was found on the way."""

    paths: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def find_pairs(source: MaskSource) -> Pairs:
    """Pair the files of a data set as its class does."""
    pairs = Pairs()
    pairs.findings += _folder_findings(source)
    if pairs.findings or source.mask_folder is None:
        return pairs
    images, masks = _names_in(source.image_folder), _names_in(source.mask_folder)
    by_stem = _by_stem(images, source.image_suffixes, source)
    if os.path.realpath(source.image_folder) == os.path.realpath(source.mask_folder) and source.pairs_by_stem:
        by_stem = {stem: name for stem, name in by_stem.items() if stem_of(name, source.mask_suffixes) is None}
    mask_by_stem = _by_stem(masks, source.mask_suffixes, source)
    pairs.findings += _same_stems(source, images, source.image_folder)
    wanted = list(by_stem)
    if source.ann_file:
        wanted, found = _listed_stems(source, by_stem, images)
        pairs.findings += found
    if not by_stem:
        pairs.findings.append(_no_images(source, images))
        return pairs
    lonely = [stem for stem in wanted if stem not in mask_by_stem]
    pairs.findings += _images_alone(source, by_stem, lonely, masks)
    if not source.ann_file:
        pairs.findings += _masks_alone(source, by_stem, mask_by_stem, images)
        pairs.findings += _images_not_taken(source, by_stem, images)
    pairs.paths = [
        (os.path.join(source.image_folder, by_stem[stem]), os.path.join(source.mask_folder, mask_by_stem[stem]))
        for stem in wanted
        if stem in mask_by_stem
    ]
    if not pairs.paths and not any(finding.level == 'error' for finding in pairs.findings):
        pairs.findings.append(_empty(source))
    return pairs


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


def _names_in(folder: str) -> list[str]:
    """Files in a folder and those in it, paths from there, as mmengine lists them: without hidden ones."""
    names = []
    for place, _, files in os.walk(folder, followlinks=True):
        inner = os.path.relpath(place, folder)
        names += [os.path.normpath(os.path.join(inner, name)) for name in files if not name.startswith('.')]
    return sorted(names)


def _by_stem(names: Sequence[str], suffixes: Sequence[str], source: MaskSource) -> dict[str, str]:
    if source.pairs_by_stem:
        stems = ((stem_of(name, suffixes), name) for name in names)
        return {stem: name for stem, name in stems if stem is not None}
    (suffix,) = suffixes
    return {name[: len(name) - len(suffix)]: name for name in names if name.endswith(suffix)}


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


def _listed_stems(
    source: MaskSource, by_stem: Mapping[str, str], images: Sequence[str]
) -> tuple[list[str], list[Finding]]:
    """The stems that `ann_file` names and that have an image."""
    key = f'{source.key}.ann_file'
    if os.path.isdir(source.ann_file):
        return list(by_stem), []
    try:
        lines = Path(source.ann_file).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = 'is not there' if isinstance(error, FileNotFoundError) else f'cannot be read: {error}'
        return [], [
            Finding(
                level='error',
                rule='list-missing',
                file=source.ann_file,
                key=key,
                value=source.ann_file,
                message=f'the list of names of the {source.split} set, {source.ann_file}, {why}.',
                remedy='correct ann_file (paths are joined from data_root), or leave it out to take the whole folder.',
            )
        ]
    stems, cases, names = [], [], set(images)
    for number, line in enumerate(lines, 1):
        name = line.strip()
        stem = name if name in by_stem or not source.pairs_by_stem else stem_of(name, source.image_suffixes) or name
        if stem in by_stem:
            stems.append(stem)
        elif name or not source.pairs_by_stem:
            fix = 'remove the line, or put the image there'
            fix = f'write {Path(name).with_suffix("")}: the ending is added' if name in names else fix
            cases.append(Case(source.ann_file, f'line {number}', name, fix))
    ends = sum(case.value in names for case in cases)
    remedy = (
        f"names are written without ending: `sed -i 's/\\.[^.]*$//' {source.ann_file}`, or take {_OWN}."
        if ends
        else f'take the lines out, or put the images there. They are sought in {source.image_folder}.'
    )
    found = one_finding(
        cases, level='error', rule='listed-image-missing', file=source.ann_file, key=key,
        message=f'{len(cases):,} of {len(lines):,} names in {source.ann_file} have no image '
        f'NAME{" or NAME".join(source.image_suffixes)}: {listed([case.value for case in cases], 3)}.',
        remedy=remedy,
    )  # fmt: skip
    return stems, list(found)


def _images_alone(
    source: MaskSource, by_stem: Mapping[str, str], lonely: Sequence[str], masks: Sequence[str]
) -> Iterator[Finding]:
    others = _near(masks) if lonely else {}
    wanted = f'NAME{" or NAME".join(source.mask_suffixes)}'
    cases = []
    for stem in lonely:
        near = others.get(_plain(stem))
        fix = f'rename {near}' if near else 'make its mask, or remove it'
        cases.append(Case(os.path.join(source.image_folder, by_stem[stem]), '', None, fix))
    near = next((others[_plain(stem)] for stem in lonely if _plain(stem) in others), None)
    ending = near[len(os.path.splitext(near)[0]) :] if near else ''
    yield from one_finding(
        cases, level='error', rule='image-without-mask', file=source.mask_folder or '',
        key=f'{source.key}.data_prefix.seg_map_path',
        message=f'{len(lonely):,} of {len(by_stem):,} images of the {source.split} set have no mask {wanted} in '
        f'{source.mask_folder}: {listed([case.file for case in cases], 3)}.'
        + (f' There is {near}.' if near else ''),
        remedy=(
            f'name the ending: seg_map_suffix={_suffix_of(near, lonely, ending)!r} in {source.key}'
            if near and len(lonely) == len(by_stem)
            else 'put the masks there, or take the images away'
        )
        + (f'; {_OWN} takes several, in upper or lower case.' if near and not source.pairs_by_stem else '.'),
    )  # fmt: skip


def _masks_alone(
    source: MaskSource, by_stem: Mapping[str, str], mask_by_stem: Mapping[str, str], images: Sequence[str]
) -> Iterator[Finding]:
    in_one_folder = os.path.realpath(source.image_folder) == os.path.realpath(source.mask_folder or '')
    taken = set(by_stem.values()) if in_one_folder else ()
    alone = {stem: name for stem, name in mask_by_stem.items() if stem not in by_stem and name not in taken}
    others = _near(images) if alone else {}
    cases, nears = [], []
    for stem, name in alone.items():
        near = others.get(_plain(stem))
        nears += [near] if near else []
        fix = f'its image is {near}, which img_suffix does not take' if near else 'put its image back, or remove it'
        cases.append(Case(os.path.join(source.mask_folder or '', name), '', None, fix))
    yield from one_finding(
        cases, level='error', rule='mask-without-image', file=source.image_folder,
        key=f'{source.key}.data_prefix.img_path',
        message=f'{len(cases):,} of {len(mask_by_stem):,} masks of the {source.split} set have no image '
        f'NAME{" or NAME".join(source.image_suffixes)} in {source.image_folder}, and are left out without a word: '
        f'{listed([case.file for case in cases], 3)}.' + (f' There is {nears[0]}.' if nears else ''),
        remedy=f'take {_OWN}, which takes several endings, in upper or lower case.' if nears
        else 'put the images back, or take the masks away.',
    )  # fmt: skip


def _images_not_taken(source: MaskSource, by_stem: Mapping[str, str], images: Sequence[str]) -> Iterator[Finding]:
    if os.path.realpath(source.image_folder) == os.path.realpath(source.mask_folder or ''):
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


def _near(names: Sequence[str]) -> dict[str, str]:
    """Names by what they have in common with a name of another ending or case: `a_mask.PNG` with `A`."""
    found: dict[str, str] = {}
    for name in names:
        plain = _plain(os.path.splitext(name)[0])
        found.setdefault(plain, name)
        for cut in ('_mask', '_label', '_labels', '_gt', '_seg', '-mask', '_labelids', '_labeltrainids', '.ome'):
            if plain.endswith(cut):
                found.setdefault(plain[: -len(cut)], name)
    return found


def _plain(stem: str) -> str:
    return stem.lower()


def _suffix_of(near: str, lonely: Sequence[str], ending: str) -> str:
    """What follows the stem of an image in the name of its mask."""
    fitting = [near[len(stem) :] for stem in lonely if near.lower().startswith(stem.lower())]
    return fitting[0] if fitting else ending


def _shown_suffixes(suffixes: Sequence[str]) -> str | Sequence[str]:
    return suffixes[0] if len(suffixes) == 1 else suffixes
