"""Tasks of models that are compared, by their configs."""

from collections.abc import Mapping
from typing import Any

DETECTION, SEGMENTATION, CLASSIFICATION = 'detection', 'segmentation', 'classification'


def task_of(model: Mapping[str, Any] | None) -> str:
    """The task of a model's config: those of mmseg have a decode head, classifiers and recognisers a `cls_head`."""
    if 'decode_head' in (model or {}):
        return SEGMENTATION
    return CLASSIFICATION if 'cls_head' in (model or {}) else DETECTION
