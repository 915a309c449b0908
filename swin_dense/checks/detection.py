"""Detection data: annotation files of COCO's form, their boxes and masks, and the images that they name."""

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.config import Config

from swin_dense.checks.cases import counted, listed
from swin_dense.checks.coco_boxes import check_boxes
from swin_dense.checks.coco_classes import check_classes
from swin_dense.checks.coco_files import CocoFile, read_coco_file
from swin_dense.checks.coco_ids import check_ids
from swin_dense.checks.coco_images import Folders, check_image_files, image_paths, unnamed_images
from swin_dense.checks.coco_masks import check_areas, check_masks
from swin_dense.checks.coco_overlap import LookedAt, check_overlap
from swin_dense.checks.coco_pixels import check_pixels, check_sizes, look_into_images
from swin_dense.checks.coco_rows import Rows, rows_of
from swin_dense.checks.coco_usable import check_usable
from swin_dense.checks.dataset_configs import DatasetConfig, dataset_configs
from swin_dense.checks.findings import Depth, Finding


def check_detection_data(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """Look at all data sets of `cfg` that read COCO annotations. At full depth every image is decoded."""
    data_sets: list[LookedAt] = []
    files: dict[str, tuple[CocoFile, Rows]] = {}
    folders, trained = Folders(), set[str]()
    for dataset in dataset_configs(cfg, splits):
        if not reads_coco(dataset):
            continue
        path = dataset.path(str(dataset.argument('ann_file') or ''))
        if '://' in path:
            yield Finding(level='ok', rule='not-local', key=f'{dataset.key}.ann_file', message='it is not looked into.')
            continue
        if path not in files:
            file, problems = read_coco_file(dataset)
            yield from problems
            if file is None:
                continue
            files[path] = file, rows_of(file)
            yield from check_ids(*files[path])
            yield from check_boxes(dataset, *files[path])
        file, rows = files[path]
        yield from check_classes(dataset, file, rows)
        yield from check_areas(dataset, file, rows)
        yield from check_masks(dataset, file, rows, depth)
        yield from check_usable(dataset, file, rows)
        paths = image_paths(dataset, file)
        if isinstance(paths, Finding):
            yield paths
            paths = []
        yield from check_image_files(dataset, file, paths, folders, trained=trained)
        trained.update(paths if dataset.split == 'train' else ())
        facts = look_into_images(dataset, paths, folders, depth)
        yield from check_sizes(dataset, file)
        yield from check_pixels(dataset, file, rows, paths, facts)
        data_sets.append(LookedAt(config=dataset, file=file, rows=rows, paths=paths, facts=facts))
    yield from check_overlap(data_sets)
    yield from _unnamed(data_sets, folders)


def reads_coco(dataset: DatasetConfig) -> bool:
    """Whether a data set is mmdet's CocoDataset or one derived from it that reads the same form."""
    cls: Any = dataset.cls
    if cls is None or 'CocoDataset' not in {base.__name__ for base in cls.__mro__}:
        return False
    from mmdet.datasets import CocoDataset  # a data set of mmdet has imported it

    return issubclass(cls, CocoDataset) and cls.parse_data_info is CocoDataset.parse_data_info


def _unnamed(data_sets: Sequence[LookedAt], folders: Folders) -> Iterator[Finding]:
    named = {path for each in data_sets for path in each.paths}
    for each in data_sets:
        beside = unnamed_images(each.paths, named, folders)
        if beside:
            yield Finding(
                level='ok', rule='image-not-named', file=each.file.path, key=each.config.key,
                message=f'{counted(len(beside), "image")} beside those of the {each.config.split} set '
                f'are named by no annotation file, and are not used: {listed(beside, 3)}.',
            )  # fmt: skip
