"""Parts of a model that do not fit together, though all of it runs."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from swin_dense.engine.states import bare

STRIDES_RULE = 'FPN is for maps whose strides double;'
STRIDES_REMEDY = (
    "For ViT take neck=dict(type='swin_dense.SimpleFeaturePyramid', ...), as in "
    'configs/_base_/models/mask_rcnn_vitdet.py.'
)


def check_strides(model: nn.Module) -> None:
    """Refuse an FPN on maps whose strides do not double: anchors and regions would be cut from the wrong places."""
    inner = bare(model)
    strides = getattr(getattr(inner, 'backbone', None), 'out_strides', None)
    neck = getattr(inner, 'neck', None)
    if strides is None or type(neck).__name__ != 'FPN':
        return
    if not strides_double(strides):
        raise ValueError(
            f'{STRIDES_RULE} those of {type(inner.backbone).__name__} are {tuple(strides)}. {STRIDES_REMEDY}'
        )


def strides_double(strides: Sequence[float]) -> bool:
    return all(after == 2 * before for before, after in pairwise(strides))
