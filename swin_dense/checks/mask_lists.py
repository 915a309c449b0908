"""Lists of names (`ann_file` of a segmentation data set): which of them have an image."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from swin_dense.checks.cases import listed, one_finding
from swin_dense.checks.file_names import ACCENTS, composed
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.mask_sources import MaskSource
from swin_dense.datasets.pairing import stem_of

_CALLED = 'the file is called'
_OWN = "type='swin_dense.SegmentationDataset'"


def listed_stems(
    source: MaskSource, by_stem: Mapping[str, str], images: Sequence[str]
) -> tuple[list[str], list[Finding]]:
    """The stems that `ann_file` names and that have an image."""
    if os.path.isdir(source.ann_file):
        return list(by_stem), []
    try:
        lines = Path(source.ann_file).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return [], [_unreadable(source, error)]
    stems, cases, names = [], [], set(images)
    by_composed = {composed(stem): stem for stem in by_stem}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        stem = name if name in by_stem or not source.pairs_by_stem else stem_of(name, source.image_suffixes) or name
        if stem in by_stem:
            stems.append(stem)
        elif name or not source.pairs_by_stem:
            fix = 'remove the line, or put the image there'
            fix = f'write {Path(name).with_suffix("")}: the ending is added' if name in names else fix
            fix = f'{_CALLED} {other!a}' if (other := by_composed.get(composed(stem))) else fix
            cases.append(Case(source.ann_file, f'line {number}', name, fix))
    return stems, _without_image(source, cases, len(lines), names)


def _unreadable(source: MaskSource, error: OSError | UnicodeDecodeError) -> Finding:
    why = 'is not there' if isinstance(error, FileNotFoundError) else f'cannot be read: {error}'
    return Finding(
        level='error', rule='list-missing', file=source.ann_file, key=f'{source.key}.ann_file', value=source.ann_file,
        message=f'the list of names of the {source.split} set, {source.ann_file}, {why}.',
        remedy='correct ann_file (paths are joined from data_root), or leave it out to take the whole folder.',
    )  # fmt: skip


def _without_image(source: MaskSource, cases: Sequence[Case], total: int, names: set[str]) -> list[Finding]:
    ends = sum(case.value in names for case in cases)
    remedy = (
        f"names are written without ending: `sed -i 's/\\.[^.]*$//' {source.ann_file}`, or take {_OWN}."
        if ends
        else f'take the lines out, or put the images there. They are sought in {source.image_folder}.'
    )
    if any(case.fix.startswith(_CALLED) for case in cases):
        remedy = ACCENTS
    found = one_finding(
        cases, level='error', rule='listed-image-missing', file=source.ann_file, key=f'{source.key}.ann_file',
        message=f'{len(cases):,} of {total:,} names in {source.ann_file} have no image '
        f'NAME{" or NAME".join(source.image_suffixes)}: {listed([case.value for case in cases], 3)}.',
        remedy=remedy,
    )  # fmt: skip
    return list(found)
