"""Labels that no class has end training in the data loader, with the file and the number.

On a GPU they would end it in an assertion of a kernel, without a word of why. The guard is a step of the pipeline,
behind the one that loads annotations: it looks at every mask that is loaded, in training, validation and test.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from swin_dense.engine.errors import DataError
from swin_dense.engine.mask_form import refuse_channels, refuse_wide_values
from swin_dense.engine.pipelines import insert_after_loading, leaf_datasets

_SHOWN = 5


def guard_labels(dataset: Any, model_cfg: Any = None) -> None:
    """Make a data set refuse masks with numbers that neither are a class's nor are ignored.

    Args:
        dataset: built, wrapped or not; its pipelines are changed. Data sets of mmseg have classes; the maps that a
            detector of mmdet has beside its boxes (HTC) have those of its semantic head.
        model_cfg: `model` of the config, which says what its heads ignore. None: 255 is ignored.
    """
    for leaf in leaf_datasets(dataset):
        if not hasattr(leaf, 'pipeline'):
            continue
        if any(cls.__name__ == 'BaseSegDataset' for cls in type(leaf).__mro__):
            head = _decode_head(model_cfg)
            classes = leaf.metainfo.get('classes') or ()
            num_classes = len(classes) or head.get('num_classes')
            ignored = head.get('ignore_index', leaf.ignore_index)
        elif head := _semantic_head(model_cfg):
            classes, num_classes = (), head.get('num_classes')
            ignored = head.get('loss_seg', {'ignore_index': 255}).get('ignore_index')
        else:
            continue
        if num_classes:
            guard = LabelGuard(classes=classes, num_classes=num_classes, ignored=ignored)
            insert_after_loading(leaf.pipeline, guard)


def _decode_head(model_cfg: Any) -> dict[str, Any]:
    head = _unwrapped(model_cfg).get('decode_head') or {}
    return head if isinstance(head, dict) else head[-1]


def _semantic_head(model_cfg: Any) -> dict[str, Any]:
    return (_unwrapped(model_cfg).get('roi_head') or {}).get('semantic_head') or {}


def _unwrapped(model_cfg: Any) -> dict[str, Any]:
    """The model within one that tests several views."""
    while isinstance(model_cfg, dict) and isinstance(model_cfg.get('module'), dict):
        model_cfg = model_cfg['module']
    return model_cfg if isinstance(model_cfg, dict) else {}


class LabelGuard:
    """A step of a pipeline that passes samples on as they are, or raises DataError.

    Args:
        classes: names, for the message; none where they are not known.
        num_classes: labels are 0 to num_classes - 1.
        ignored: one more label that is allowed; None: there is none.
    """

    completes_loading = True

    def __init__(self, *, classes: Sequence[str], num_classes: int, ignored: int | None) -> None:
        self.classes = tuple(classes)
        self.num_classes = num_classes
        self.ignored = ignored

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        mask = results.get('gt_seg_map')
        if not isinstance(mask, np.ndarray):
            return results
        path = str(results.get('seg_map_path'))
        if mask.ndim == 3 and mask.shape[2] in (2, 3, 4) and mask.dtype == np.uint8:
            refuse_channels(mask, path=path)
        if mask.dtype == np.uint8:
            refuse_wide_values(path)
        if not self._fits(mask):
            raise DataError(self._strange_values(mask, path, results))
        image_shape = results.get('ori_shape')
        if mask.ndim == 2 and image_shape is not None and tuple(image_shape) != mask.shape:
            raise DataError(
                f'{path}: the mask is {mask.shape[0]} x {mask.shape[1]} (height x width), and its image '
                f'{results.get("img_path")} is {image_shape[0]} x {image_shape[1]} (turned as its EXIF data say). '
                'Each pixel needs a label: save the mask in the size of the image.'
            )
        return results

    def _fits(self, mask: np.ndarray) -> bool:
        if mask.dtype == np.uint8:
            # the usual cases, a few microseconds: the ignored 255 wraps round to 0
            if int(mask.max(initial=0)) < self.num_classes:
                return True
            if self.ignored == 255:
                return int((mask + np.uint8(1)).max(initial=0)) <= self.num_classes
        return not self._strange(mask).any()

    def _strange(self, mask: np.ndarray) -> np.ndarray:
        beyond = (mask < 0) | (mask >= self.num_classes)
        return beyond if self.ignored is None else beyond & (mask != self.ignored)

    def _strange_values(self, mask: np.ndarray, path: str, results: dict[str, Any]) -> str:
        values, counts = np.unique(mask[self._strange(mask)], return_counts=True)
        shown = ', '.join(f'{value} on {count:,} pixels' for value, count in zip(values[:_SHOWN], counts, strict=False))
        more = f' and {len(values) - _SHOWN} more' if len(values) > _SHOWN else ''
        reduced = ' after reduce_zero_label (one more in the file)' if results.get('reduce_zero_label') else ''
        names = f' ({", ".join(self.classes[:_SHOWN])}{", ..." if len(self.classes) > _SHOWN else ""})'
        also = 'nothing is ignored' if self.ignored is None else f'{self.ignored} is ignored'
        return (
            f'{path}: the mask has the label {shown}{more}{reduced}. The labels of the {self.num_classes} classes'
            f'{names if self.classes else ""} are 0 to {self.num_classes - 1}, and {also}. Name every class in the '
            "order of the numbers; or give type='swin_dense.SegmentationDataset' a label_map={value in file: label}; "
            'or, where 0 means "no label" and classes count from 1, reduce_zero_label=True. '
            '`python tools/check.py CONFIG --level full` lists the values of all masks.'
        )

    def __repr__(self) -> str:
        return f'{type(self).__name__}(num_classes={self.num_classes}, ignored={self.ignored})'
