"""Checks of segmentation data: settings, folders, pairs, mask files, values, and images of more than one set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mmengine.config import Config

from swin_dense.checks.dataset_configs import SPLITS
from swin_dense.checks.file_names import RealPaths
from swin_dense.checks.findings import Case, Depth, Finding
from swin_dense.checks.image_facts import header_facts, pixel_facts
from swin_dense.checks.mask_facts import KIND, mask_facts
from swin_dense.checks.mask_files import LookedAt, check_mask_files
from swin_dense.checks.mask_names import Folders
from swin_dense.checks.mask_pairs import find_pairs
from swin_dense.checks.mask_settings import check_heads, check_settings, decode_head_ignores
from swin_dense.checks.mask_sources import MaskSource, mask_source, segmentation_datasets
from swin_dense.checks.mask_values import ENOUGH_MASKS, check_values, tally
from swin_dense.checks.scan import Facts, evenly, scan_files
from swin_dense.checks.train_overlap import ImageSet, in_train, shared_by_path

_LOOKED_AT_QUICKLY = 64


@dataclass(frozen=True, eq=False)
class _Content:
    """A data set, its pairs of paths, and what was found in those that were looked into."""

    source: MaskSource
    paths: Sequence[tuple[str, str]]
    files: LookedAt
    masks: Sequence[tuple[str, Facts]]


def check_segmentation_data(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """Check the data sets of mmseg's kind: masks of the train, val and test set, and what the config says of them."""
    datasets = list(segmentation_datasets(cfg, splits))
    if not datasets:
        return
    yield from check_heads(cfg)
    ignored = decode_head_ignores(cfg)
    # all of the config: a folder of masks may be that of a set that is not looked at now
    folders = Folders([mask_source(dataset, ignored) for dataset in segmentation_datasets(cfg, SPLITS)])
    found: list[tuple[Sequence[Finding], _Content | None]] = []
    for dataset in datasets:
        settings = list(check_settings(cfg, dataset))
        source = mask_source(dataset, ignored)
        if '://' in source.image_folder:  # of a backend: nothing to list here
            found.append((settings, None))
            continue
        pairs = find_pairs(source, folders)
        content = _look_into(source, _chosen(pairs.paths, dataset.cfg.get('indices')), depth)
        found.append(([*settings, *pairs.findings], content))
    contents = [content for _, content in found if content]
    for findings, each in found:
        yield from findings
        if each:
            yield from _check_content(each, [other for other in contents if other is not each])
    yield from _shared_images(contents, depth)


def _chosen(paths: Sequence[tuple[str, str]], indices: int | Sequence[int] | None) -> Sequence[tuple[str, str]]:
    """The part of a data set that `indices` takes, as in mmengine: the first n, or those listed."""
    paths = sorted(paths)
    if isinstance(indices, int):
        return paths[:indices] if indices >= 0 else paths[indices:]
    return paths if indices is None else [paths[index] for index in indices if -len(paths) <= index < len(paths)]


def _look_into(source: MaskSource, paths: Sequence[tuple[str, str]], depth: Depth) -> _Content:
    some = paths if depth == 'full' else evenly(paths, _LOOKED_AT_QUICKLY)
    inspect, kind = (pixel_facts, 'image-1') if depth == 'full' else (header_facts, 'image-header-1')
    images = scan_files([image for image, _ in some], inspect, kind=kind, title=f'{source.split} images')
    masks = scan_files([mask for _, mask in some], mask_facts, kind=KIND, title=f'{source.split} masks')
    files = [(*pair, image, mask) for pair, image, mask in zip(some, images, masks, strict=True)]
    return _Content(source, paths, files, [(path, facts) for _, path, _, facts in files])


def _check_content(content: _Content, others: Sequence[_Content]) -> Iterator[Finding]:
    source = content.source
    yield from check_mask_files(source, content.files)
    found = _values_of(content, content.masks, others)
    if any(each.rule == 'reduce-zero-label-wrong' for each in found):
        # a value that 64 masks do not have may be in others
        more = [_Content(other.source, other.paths, other.files, _more_masks(other)) for other in others]
        found = _values_of(content, _more_masks(content), more)
    yield from found


def _values_of(content: _Content, masks: Sequence[tuple[str, Facts]], others: Sequence[_Content]) -> list[Finding]:
    source = content.source
    # the same numbers mean the same in them
    alike = [
        other for other in others
        if (other.source.classes, other.source.reduce_zero_label) == (source.classes, source.reduce_zero_label)
    ]  # fmt: skip
    elsewhere = {value for other in alike for value in tally(other.source, other.masks, len(other.paths)).values}
    return list(check_values(source, masks, tally(source, masks, len(content.paths)), elsewhere=elsewhere))


def _more_masks(content: _Content) -> list[tuple[str, Facts]]:
    more = evenly([mask for _, mask in content.paths], ENOUGH_MASKS)
    facts = scan_files(more, mask_facts, kind=KIND, title=f'{content.source.split} masks')
    return list(zip(more, facts, strict=True))


def _shared_images(contents: Sequence[_Content], depth: Depth) -> Iterator[Finding]:
    """Images of the train set that are in another set as well: by path, at full depth by content."""
    sets = [_image_set(each, depth) for each in contents]
    train = [each for each in sets if each.split == 'train']
    source_of_train = next((each.source for each in contents if each.source.split == 'train'), None)
    real = RealPaths()
    for content, images in zip(contents, sets, strict=True):
        if source_of_train is None or images.split == 'train':
            continue
        count = len(shared_by_path(images, train, real))
        if count and count == len(images.paths) == len({real(path) for each in train for path in each.paths}):
            yield _same_set(content.source, source_of_train)
        else:
            yield from in_train(images, train, real, measured='mIoU', case=_case_of(images))


def _image_set(content: _Content, depth: Depth) -> ImageSet:
    images = [image for image, _ in content.paths]
    place_of = {image: place for place, image in enumerate(images)}
    looked_at = content.files if depth == 'full' else ()
    return ImageSet(
        split=content.source.split,
        file=content.source.image_folder,
        key=f'{content.source.key}.data_prefix.img_path',
        paths=images,
        digests={place_of[image]: facts['digest'] for image, _, facts, _ in looked_at if 'digest' in facts},
    )


def _case_of(images: ImageSet) -> Callable[[int, str], Case]:
    split, paths = images.split, images.paths
    return lambda place, other: Case(
        paths[place], '', None, f'remove it from the {split} set, or {other} from training'
    )


def _same_set(source: MaskSource, train: MaskSource) -> Finding:
    return Finding(
        level='warning', rule='same-images', file=source.image_folder, key=f'{source.key}.data_prefix.img_path',
        value=source.image_folder,
        message=f'the {source.split} set has the images of the train set ({train.image_folder}): its mIoU says how '
        'well they are remembered, not what is seen in others.',
        remedy='hold some images back in folders, or in a list (ann_file), of their own.',
    )  # fmt: skip
