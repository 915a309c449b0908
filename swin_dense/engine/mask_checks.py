"""Masks whose numbers do not fit the classes, found before training: on a GPU they end it without a word of why."""

import os
from typing import Any

import numpy as np
from PIL import Image

from swin_dense.engine.errors import DataError

# reading masks takes time: of a data set, so many are looked at, evenly spread
LOOKED_AT = 32


def check_mask_values(dataset: Any, *, name: str) -> None:
    """Refuse a data set of mmseg with a mask that has a number beyond its classes."""
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    if not classes or not hasattr(dataset, 'reduce_zero_label') or getattr(dataset, 'label_map', None):
        return
    last = len(classes) if dataset.reduce_zero_label else len(classes) - 1
    for index in range(0, len(dataset), max(1, len(dataset) // LOOKED_AT)):
        path = dataset.get_data_info(index).get('seg_map_path')
        if not isinstance(path, str) or not os.path.isfile(path):
            continue
        with Image.open(path) as image:
            values = np.asarray(image)
        largest = int(values[values != dataset.ignore_index].max(initial=0))
        if values.ndim == 2 and largest > last:
            first = 1 if dataset.reduce_zero_label else 0
            raise DataError(
                f'{path} of the {name} set has the number {largest}, and the numbers of its {len(classes)} classes '
                f'({", ".join(classes[:5])}{", ..." if len(classes) > 5 else ""}) are {first} to {last}. Name every '
                f'class, in the order of the numbers; {dataset.ignore_index} is for what does not count.'
            )
