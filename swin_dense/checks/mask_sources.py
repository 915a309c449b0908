"""What a config says of a segmentation data set: folders, endings, classes, and what a value in a mask file means."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from swin_dense.checks.dataset_configs import DatasetConfig, dataset_configs

MMSEG_IGNORES = 255  # what reduce_zero_label makes of 0, and heads ignore where a config says nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskSource:
    """A segmentation data set as its config describes it.

    Attributes:
        classes: names; empty where the config has none that can be used.
        image_folder, mask_folder: paths; None for masks that are not named.
        image_suffixes, mask_suffixes: endings.
        pairs_by_stem: swin_dense.SegmentationDataset, which takes several endings in upper or lower case.
        ann_file: path of a list of names; '' where the folder is listed.
        label_map: number after reduce_zero_label -> another number.
        colors: (red, green, blue) -> label; None where colours mean nothing.
        ignored: the label that the heads ignore.
    """

    dataset: DatasetConfig
    classes: tuple[str, ...]
    image_folder: str
    mask_folder: str | None
    image_suffixes: tuple[str, ...]
    mask_suffixes: tuple[str, ...]
    pairs_by_stem: bool
    ann_file: str
    label_map: Mapping[int, int]
    reduce_zero_label: bool
    colors: Mapping[tuple[int, int, int], int] | None
    ignored: int | None

    @property
    def key(self) -> str:
        return self.dataset.key

    @property
    def split(self) -> str:
        return self.dataset.split

    def label(self, value: int) -> int:
        """The label that a pixel with this value in the file is trained as, by mmseg's LoadAnnotations."""
        value %= 256
        if self.reduce_zero_label:
            value = MMSEG_IGNORES if value in (0, 255) else value - 1
        return self.label_map.get(value, value)

    def is_class(self, label: int) -> bool:
        return label < len(self.classes) and label != self.ignored

    def is_valid(self, label: int) -> bool:
        return label < len(self.classes) or label == self.ignored


def segmentation_datasets(cfg: Config, splits: Sequence[str]) -> Iterator[DatasetConfig]:
    """The data sets of mmseg's kind; those of clips look after their folders themselves."""
    for dataset in dataset_configs(cfg, splits):
        names = [cls.__name__ for cls in getattr(dataset.cls, '__mro__', ())]
        if 'BaseSegDataset' in names and 'ClipSegmentationDataset' not in names:
            yield dataset


def mask_source(dataset: DatasetConfig, ignored: int | None) -> MaskSource:
    """Read a data set's config. Arguments that cannot be meant count as not given: mask_settings has them."""
    prefix = argument(dataset, 'data_prefix') or {}
    masks = prefix.get('seg_map_path')
    classes = class_names(dataset)
    ann_file = argument(dataset, 'ann_file') or ''
    return MaskSource(
        dataset=dataset,
        classes=classes,
        image_folder=dataset.path(prefix.get('img_path') or ''),
        mask_folder=None if masks is None else dataset.path(masks),
        image_suffixes=_tuple(argument(dataset, 'img_suffix')),
        mask_suffixes=_tuple(argument(dataset, 'seg_map_suffix')),
        pairs_by_stem=is_own(dataset),
        ann_file=dataset.path(ann_file) if ann_file else '',
        label_map=_label_map(dataset, classes),
        reduce_zero_label=bool(argument(dataset, 'reduce_zero_label')),
        colors=_colors(dataset, classes),
        ignored=ignored,
    )


def argument(dataset: DatasetConfig, name: str) -> Any:
    """The value of an argument, that of the class where the config gives none."""
    if name in dataset.cfg:
        return dataset.cfg[name]
    for cls in getattr(dataset.cls, '__mro__', ()):
        parameter = inspect.signature(cls.__init__).parameters.get(name)
        if parameter is not None and parameter.default is not inspect.Parameter.empty:
            return parameter.default
    return None


def is_own(dataset: DatasetConfig) -> bool:
    return any(cls.__name__ == 'SegmentationDataset' for cls in getattr(dataset.cls, '__mro__', ()))


def class_names(dataset: DatasetConfig) -> tuple[str, ...]:
    given = (dataset.cfg.get('metainfo') or {}).get('classes')
    given = (getattr(dataset.cls, 'METAINFO', None) or {}).get('classes') if given is None else given
    return tuple(given) if isinstance(given, (list, tuple)) else ()


def _label_map(dataset: DatasetConfig, classes: tuple[str, ...]) -> dict[int, int]:
    from swin_dense.datasets.semantic import label_numbers

    mmseg_label_map = getattr(dataset.cls, 'get_label_map', lambda _: None)
    try:
        if is_own(dataset):
            numbers = label_numbers(dataset.cfg.get('label_map'), len(classes), _own_ignored(dataset)) or {}
            return {value: number for value, number in numbers.items() if value != number}
        return mmseg_label_map(classes) or {}
    except (ValueError, TypeError):
        return {}


def _colors(dataset: DatasetConfig, classes: tuple[str, ...]) -> dict[tuple[int, int, int], int] | None:
    from swin_dense.datasets.mask_colors import color_numbers

    try:
        return color_numbers(
            dataset.cfg.get('mask_colors') if is_own(dataset) else None,
            classes=classes,
            palette=(dataset.cfg.get('metainfo') or {}).get('palette') or (),
            ignore_index=_own_ignored(dataset),
        )
    except (ValueError, TypeError):
        return None


def _own_ignored(dataset: DatasetConfig) -> int:
    return dataset.cfg.get('ignore_index', MMSEG_IGNORES)


def _tuple(suffixes: Any) -> tuple[str, ...]:
    return (suffixes,) if isinstance(suffixes, str) else tuple(suffixes or ())
