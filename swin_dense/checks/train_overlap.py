"""Images of the train set that are in a validation or test set as well: by their path, or by their content."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.file_names import RealPaths
from swin_dense.checks.findings import Case, Finding

_NOISE = 0.01  # of a validation set: large public sets have a few pictures twice


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageSet:
    """The images of a data set.

    Attributes:
        split: train, val or test.
        file, key: of a finding about it.
        paths: of all images.
        digests: place of an image -> digest of its content, of those that were looked into.
    """

    split: str
    file: str
    key: str
    paths: Sequence[str]
    digests: Mapping[int, str]


def shared_by_path(images: ImageSet, train: Sequence[ImageSet], real: RealPaths) -> dict[int, str]:
    """Place of an image -> its path in the train set."""
    known = {real(path): path for each in train for path in each.paths}
    found = {place: known.get(real(path)) for place, path in enumerate(images.paths)}
    return {place: path for place, path in found.items() if path}


def shared_by_content(images: ImageSet, train: Sequence[ImageSet]) -> dict[int, str]:
    """Place of an image -> path of the one in the train set that has the same bytes."""
    known = {digest: each.paths[place] for each in train for place, digest in each.digests.items()}
    found = {place: known.get(digest) for place, digest in images.digests.items()}
    return {place: path for place, path in found.items() if path}


def in_train(
    images: ImageSet, train: Sequence[ImageSet], real: RealPaths, *, measured: str, case: Callable[[int, str], Case]
) -> Iterator[Finding]:
    """One finding for what a set shares with the train set.

    Args:
        measured: what is measured with the set: `AP`, `mIoU`.
        case: place of an image and the path in the train set -> where to change what.
    """
    shared, rule, how = shared_by_path(images, train, real), 'image-in-train', 'by their path'
    if not shared:
        shared, rule, how = shared_by_content(images, train), 'image-content-in-train', 'by their content'
    if not shared:
        return
    few = len(shared) <= _NOISE * len(images.paths)
    pairs = [f'{images.paths[place]} is {path}' for place, path in shared.items()]
    yield from one_finding(
        [case(place, path) for place, path in shared.items()],
        level='warning' if few else 'error', rule=rule, file=images.file, key=images.key,
        message=f'{len(shared):,} of {counted(len(images.paths), "image")} of the {images.split} set are in the train '
        f'set, too ({how}): {listed(pairs, 3)}. The {measured} counts what was learnt by heart.',
        remedy='Remove them from one of the two sets.',
    )  # fmt: skip
