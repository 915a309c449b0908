"""A semantic segmentation data set for one's own files: several endings, values mapped, masks of colours."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine import fileio
from mmseg.datasets import BaseSegDataset

from swin_dense.datasets.mask_colors import Color, color_numbers, numbers_of_colors, refuse_other_numbers
from swin_dense.datasets.pairing import IMAGE_SUFFIXES, paired_by_stem
from swin_dense.datasets.palettes import distinct_palette
from swin_dense.engine.mask_form import refuse_channels
from swin_dense.engine.pipelines import annotation_loaders, insert_after_loading
from swin_dense.registry import DATASETS


@DATASETS.register_module()
class SegmentationDataset(BaseSegDataset):
    """Images and masks of two folders, paired by their names without ending; folders in them are gone through.

    A mask is a file of one channel with class numbers, or of indices into a palette (the index counts), or of colours
    where `mask_colors` says which they are. One with a channel whose colours are other classes by `mask_colors` than
    its numbers is refused. Pipelines load masks with mmseg's `LoadAnnotations`, without arguments.

    Args:
        metainfo: `classes`, names in the order of their numbers; `palette`, a colour (r, g, b) for each.
        img_suffix: endings of images, in upper or lower case; the longest that a name ends in is taken off.
        seg_map_suffix: endings of masks, the same way: `_mask.png` pairs a.jpg with a_mask.png.
        ann_file: lists names, with or without ending, a line each; '' takes all of the image folder.
        label_map: value in the file -> class number, or `ignore_index`; values that it does not name stay.
        reduce_zero_label: 0 in the file is ignored, and 1 is the first class. The pipeline follows.
        mask_colors: for masks of colours: class name or number -> (r, g, b), or 'palette' for those of metainfo.
        ignore_index: the number that is neither trained nor counted.
        others: as those of BaseSegDataset.

    Raises:
        ValueError: arguments contradict each other, or two images have one name.
        DataError: on loading: a mask of another form, with its path.
    """

    def __init__(
        self,
        *,
        metainfo: Mapping[str, Any],
        data_prefix: Mapping[str, str],
        data_root: str | None = None,
        ann_file: str = '',
        img_suffix: str | Sequence[str] = IMAGE_SUFFIXES,
        seg_map_suffix: str | Sequence[str] = '.png',
        label_map: Mapping[Any, int] | None = None,
        reduce_zero_label: bool = False,
        mask_colors: Mapping[Any, Sequence[int]] | str | None = None,
        ignore_index: int = 255,
        filter_cfg: dict[str, Any] | None = None,
        indices: int | Sequence[int] | None = None,
        serialize_data: bool = True,
        pipeline: Sequence[Any] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        backend_args: dict[str, Any] | None = None,
    ) -> None:
        classes, palette = _names(metainfo)
        self._file_labels, colors = check_arguments(
            classes=classes, palette=palette, label_map=label_map, mask_colors=mask_colors,
            reduce_zero_label=reduce_zero_label, ignore_index=ignore_index,
        )  # fmt: skip
        super().__init__(
            ann_file=ann_file, img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, metainfo=dict(metainfo),
            data_root=data_root, data_prefix=dict(data_prefix), filter_cfg=filter_cfg, indices=indices,
            serialize_data=serialize_data, pipeline=list(pipeline), test_mode=test_mode, lazy_init=lazy_init,
            max_refetch=max_refetch, ignore_index=ignore_index, reduce_zero_label=reduce_zero_label,
            backend_args=backend_args,
        )  # fmt: skip
        _refuse_other_reduction(self.pipeline, reduce_zero_label)
        insert_after_loading(self.pipeline, OneChannel(colors))

    def get_label_map(self, new_classes: Any = None) -> dict[int, int] | None:
        """What mmseg's LoadAnnotations maps; mmseg itself asks for a map between lists of classes here."""
        return self._file_labels

    def _update_palette(self) -> list[list[int]]:
        """Colours where metainfo has none; mmseg's are random, and may look alike."""
        return list(self._metainfo.get('palette') or distinct_palette(len(self._metainfo['classes'])).tolist())

    def load_data_list(self) -> list[dict[str, Any]]:
        """List the samples, sorted by path."""
        images, masks = self.data_prefix.get('img_path'), self.data_prefix.get('seg_map_path')
        pairs = paired_by_stem(
            self._files(images),
            None if masks is None else self._files(masks),
            image_suffixes=_tuple(self.img_suffix),
            mask_suffixes=_tuple(self.seg_map_suffix),
            names=self._listed_names(),
            in_one_folder=masks is not None and os.path.normpath(images) == os.path.normpath(masks),
        )
        common = {'label_map': self.label_map, 'reduce_zero_label': self.reduce_zero_label}
        samples = []
        for image, mask in pairs:
            sample = {'img_path': os.path.join(images, image), **common, 'seg_fields': []}
            if mask is not None:
                sample['seg_map_path'] = os.path.join(masks, mask)
            samples.append(sample)
        return sorted(samples, key=lambda sample: sample['img_path'])

    def _files(self, folder: str) -> Iterable[str]:
        return fileio.list_dir_or_file(folder, list_dir=False, recursive=True, backend_args=self.backend_args)

    def _listed_names(self) -> list[str] | None:
        if not self.ann_file or Path(self.ann_file).is_dir():
            return None
        lines = fileio.get_text(self.ann_file, backend_args=self.backend_args).splitlines()
        return [line.strip() for line in lines if line.strip()]


class OneChannel:
    """The step behind LoadAnnotations that turns masks of colours into numbers, and refuses other channels."""

    completes_loading = True

    def __init__(self, numbers: Mapping[Color, int] | None) -> None:
        self.numbers = numbers

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        mask: np.ndarray = results['gt_seg_map']
        if mask.ndim == 3:
            path = str(results['seg_map_path'])
            if self.numbers is None or mask.shape[2] < 3:
                refuse_channels(mask, path=path)
            results['gt_seg_map'] = numbers_of_colors(mask, self.numbers or {}, path=path)
        elif self.numbers is not None:
            refuse_other_numbers(mask, self.numbers, path=str(results['seg_map_path']))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(numbers={self.numbers})'


def _refuse_other_reduction(pipeline: Any, own: bool) -> None:
    for steps, place in annotation_loaders(pipeline):
        told = getattr(steps[place], 'reduce_zero_label', None)
        if told is not None and told != own:
            raise ValueError(
                f'reduce_zero_label is {own} for the data set and {told} for LoadAnnotations of its pipeline. The data '
                'set says it: leave it out of the pipeline.'
            )


def _names(metainfo: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[Sequence[int]]]:
    classes, palette = metainfo.get('classes'), metainfo.get('palette') or ()
    if not classes or isinstance(classes, str):
        raise ValueError(f"metainfo.classes is a tuple of names, as ('background', 'object'); found {classes!r}.")
    if palette and len(palette) != len(classes):
        raise ValueError(
            f'metainfo.palette has {len(palette)} colours, and there are {len(classes)} classes. Give each class one, '
            'or leave the palette out.'
        )
    return classes, palette


def check_arguments(
    *,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    label_map: Mapping[Any, int] | None,
    mask_colors: Mapping[Any, Sequence[int]] | str | None,
    reduce_zero_label: bool,
    ignore_index: int,
) -> tuple[dict[int, int] | None, dict[Color, int] | None]:
    """Give what values and what colours mean; ValueError where that cannot be told."""
    if reduce_zero_label and (label_map or mask_colors):
        raise ValueError(
            'reduce_zero_label takes one off each value, and label_map and mask_colors say what each means: give '
            f'one of them. reduce_zero_label is label_map={{0: {ignore_index}, 1: 0, 2: 1, ...}}.'
        )
    if label_map and mask_colors:
        raise ValueError('label_map is for masks of numbers, and mask_colors for masks of colours: give one of them.')
    colors = color_numbers(mask_colors, classes=classes, palette=palette, ignore_index=ignore_index)
    return label_numbers(label_map, len(classes), ignore_index), colors


def label_numbers(label_map: Mapping[Any, int] | None, num_classes: int, ignore_index: int) -> dict[int, int] | None:
    """`label_map` with numbers as keys; None where it maps nothing. Raises ValueError for what no label can be."""
    if not label_map:
        return None
    labels = {int(value): label for value, label in label_map.items()}  # JSON has no numbers as keys
    for value, label in labels.items():
        if not 0 <= value <= 255 or not (label == ignore_index or 0 <= label < num_classes):
            raise ValueError(
                f'label_map has {value}: {label}. It maps a value in the file, 0 to 255, to a class number, 0 to '
                f'{num_classes - 1}, or to {ignore_index}, which is ignored.'
            )
    return labels


def _tuple(suffixes: str | Sequence[str]) -> tuple[str, ...]:
    return (suffixes,) if isinstance(suffixes, str) else tuple(suffixes)
