"""Names of images and masks: what folders hold, which names mean the same file, and which endings would pair them."""

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from swin_dense.checks.file_names import composed
from swin_dense.checks.mask_sources import MaskSource
from swin_dense.datasets.pairing import stem_of

_USUAL_ENDINGS = ('_mask', '_label', '_labels', '_gt', '_seg', '-mask', '_labelids', '_labeltrainids', '.ome')


class Folders:
    """The files of folders, each folder listed once, for all data sets of a config: some share a folder of masks."""

    def __init__(self, sources: Sequence[MaskSource]) -> None:
        self._sources = sources
        self._names: dict[str, list[str]] = {}
        self._said: set[str] = set()

    def names(self, folder: str) -> list[str]:
        """Files in a folder and those in it, paths from there, as mmengine lists them: without hidden ones."""
        if folder not in self._names:
            names = []
            for place, _, files in os.walk(folder, followlinks=True):
                inner = os.path.relpath(place, folder)
                names += [os.path.normpath(os.path.join(inner, name)) for name in files if not name.startswith('.')]
            self._names[folder] = sorted(names)
        return self._names[folder]

    def sharing_masks(self, source: MaskSource) -> list[MaskSource]:
        """Other data sets that take their masks from the same folder."""
        mine = os.path.realpath(source.mask_folder or '')
        return [
            other for other in self._sources
            if other.key != source.key and other.mask_folder and os.path.realpath(other.mask_folder) == mine
        ]  # fmt: skip

    def is_said(self, folder: str) -> bool:
        """Whether this was asked before."""
        was_said = os.path.realpath(folder) in self._said
        self._said.add(os.path.realpath(folder))
        return was_said


def names_by_stem(names: Sequence[str], suffixes: Sequence[str], source: MaskSource) -> dict[str, str]:
    """Stem -> name of those that have one of the endings, as the class of the data set pairs them."""
    if source.pairs_by_stem:
        stems = ((stem_of(name, suffixes), name) for name in names)
        return {stem: name for stem, name in stems if stem is not None}
    (suffix,) = suffixes
    return {name[: len(name) - len(suffix)]: name for name in names if name.endswith(suffix)}


def names_by_plain_stem(names: Sequence[str]) -> dict[str, str]:
    """Names by what they have in common with a name of another ending, case or form: `a_mask.PNG` with `A`."""
    found: dict[str, str] = {}
    for name in names:
        plain = plain_stem(os.path.splitext(name)[0])
        found.setdefault(plain, name)
        for cut in _USUAL_ENDINGS:
            if plain.endswith(cut):
                found.setdefault(plain[: -len(cut)], name)
    return found


def plain_stem(stem: str) -> str:
    return composed(stem).lower()


def pairing_endings(images: Sequence[str], masks: Sequence[str]) -> tuple[str, str, int]:
    """The ending of images, the ending of masks and the number of pairs that they give, the most there are."""
    best = ('', '', 0)
    mask_stems = [(ending, _stems(masks, ending)) for ending in _endings(masks)]
    for image_ending in _endings(images):
        stems = _stems(images, image_ending)
        for mask_ending, others in mask_stems:
            if (count := len(stems & others)) > best[2]:
                best = image_ending, mask_ending, count
    return best


def _stems(names: Sequence[str], ending: str) -> set[str]:
    return {name[: -len(ending)] for name in names if name.endswith(ending) and len(name) > len(ending)}


def _endings(names: Sequence[str]) -> Iterator[str]:
    """Endings that most names have, from the shortest on: `.png`, `_mask.png`, ..."""
    kinds = Counter(Path(name).suffix for name in names)
    if not kinds:
        return
    kind = kinds.most_common(1)[0][0]
    if not kind:
        return
    yield kind
    of_kind = [os.path.basename(name)[::-1] for name in names if name.endswith(kind)]
    # what the first and the last in order share, all share
    shared = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(min(of_kind), max(of_kind), strict=False))
    common = ''.join(letter for letter, _ in shared)[::-1]
    for found in reversed(list(re.finditer(r'[_.-]', common))):
        if len(ending := common[found.start() :]) > len(kind):
            yield ending
