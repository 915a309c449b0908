"""What COCO's average precision is made of, image by image: enough to have it for any multiset of the images.

Legend: D detections, A area ranges (all, small, ...), T IoU thresholds, G pairs of an image and a class with objects.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from swin_dense.evaluation.array_files import load_arrays, save_arrays

_CONTENT = 'match data of version 1'
_FLAGS = ('matched', 'ignored')


@dataclass(frozen=True, kw_only=True)
class MatchData:
    """Detections of one run with what they were matched to, and the number of objects there were to find.

    Args:
        kind: `bbox` or `segm`.
        image_ids: (images,); a detection's `images` is a place in it.
        class_ids: (classes,); likewise.
        iou_thresholds: (T,)
        area_names: (A,), the first is `all`.
        images: (D,) int, ascending.
        classes: (D,) int
        scores: (D,) float64; by falling score within an image and class.
        matched: (D, A, T) bool, an object was assigned.
        ignored: (D, A, T) bool, neither right nor wrong: matched to a crowd or an object of another size, or unmatched
            and of another size itself.
        truth_images: (G,) int
        truth_classes: (G,) int
        truth_counts: (G, A) int, objects that count (no crowd, of the size).
    """

    kind: str
    image_ids: np.ndarray
    class_ids: np.ndarray
    iou_thresholds: np.ndarray
    area_names: tuple[str, ...]
    images: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    truth_images: np.ndarray
    truth_classes: np.ndarray
    truth_counts: np.ndarray


def save_match_data(data: MatchData, path: str | Path) -> None:
    """Replace the .npz file `path`; flags are packed to bits."""
    arrays = {name: np.asarray(value) for name, value in vars(data).items()}
    flags = len(data.area_names) * len(data.iou_thresholds)
    for name in _FLAGS:
        # not reshape(D, -1): a model may have detected nothing at all, and then -1 could be anything
        arrays[name] = np.packbits(arrays[name].reshape(len(data.scores), flags), axis=1)
    save_arrays(path, _CONTENT, arrays)


def load_match_data(path: str | Path) -> MatchData:
    """Read a file of `save_match_data`.

    Raises:
        ValueError: the file is damaged, or holds something else.
    """
    arrays = load_arrays(path, _CONTENT, {field.name for field in fields(MatchData)})
    shape = (len(arrays['area_names']), len(arrays['iou_thresholds']))
    for name in _FLAGS:
        bits = np.unpackbits(arrays[name], axis=1, count=shape[0] * shape[1])
        arrays[name] = bits.reshape(-1, *shape).astype(bool)
    kind, area_names = str(arrays.pop('kind')), tuple(map(str, arrays.pop('area_names')))
    return MatchData(kind=kind, area_names=area_names, **arrays)
