"""Folders of images and masks that changed places."""

import os
from collections.abc import Sequence

from swin_dense.checks.findings import Finding
from swin_dense.checks.mask_facts import KIND, mask_facts
from swin_dense.checks.mask_sources import MaskSource
from swin_dense.checks.scan import Facts, evenly, scan_files
from swin_dense.datasets.pairing import IMAGE_SUFFIXES

_LOOKED_AT = 3  # of each
_FEW, _MANY = 32, 64  # values or colours: of masks, of photos


def folders_swapped(source: MaskSource, images: Sequence[str], masks: Sequence[str]) -> Finding | None:
    """An error where what is to be masks has the many colours of photos, and what is to be images has few."""
    if source.mask_folder is None:
        return None
    of_masks = _kinds(source.mask_folder, masks)
    if not of_masks or min(of_masks) < _MANY:
        return None
    of_images = _kinds(source.image_folder, images)  # of photos it takes a while
    if not of_images or max(of_images) > _FEW:
        return None
    return Finding(
        level='error', rule='folders-swapped', file=source.mask_folder, key=f'{source.key}.data_prefix',
        value=source.dataset.cfg.get('data_prefix'),
        message=f'images and masks of the {source.split} set seem to have changed places: files in '
        f'{source.mask_folder}, which are to be masks, have {min(of_masks):,} colours and more, as photos; those in '
        f'{source.image_folder}, which are to be images, have {max(of_images)} at most.',
        remedy=f'write data_prefix=dict(img_path=FOLDER OF IMAGES, seg_map_path=FOLDER OF MASKS) in {source.key}: '
        'exchange the two.',
    )  # fmt: skip


def _kinds(folder: str, names: Sequence[str]) -> list[int]:
    """Numbers of different values or colours in some files; none where a file is no picture."""
    usual = [os.path.join(folder, name) for name in names if name.lower().endswith(IMAGE_SUFFIXES)]
    found = scan_files(evenly(usual, _LOOKED_AT), mask_facts, kind=KIND, title='folders')
    return [] if any(not _is_whole(facts) for facts in found) else [_number(facts) for facts in found]


def _is_whole(facts: Facts) -> bool:
    return 'values' in facts or 'num_colors' in facts


def _number(facts: Facts) -> int:
    return int(facts['num_colors']) if 'num_colors' in facts else len(facts['values'])
