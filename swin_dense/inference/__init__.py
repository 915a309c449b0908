"""Prediction of images with trained models: `Predictor` for arrays and files, `tools/predict.py` for folders.

Names are imported when they are asked for: reading and drawing images needs neither mmdet nor mmseg.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swin_dense.inference.predictor import Predictor
    from swin_dense.inference.results import CroppedMask, Detections, Recognition, Segmentation
    from swin_dense.inference.views import Augmentation

__all__ = ['Augmentation', 'CroppedMask', 'Detections', 'Predictor', 'Recognition', 'Segmentation']
_MODULES = {'Augmentation': 'views', 'Predictor': 'predictor'}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_MODULES.get(name, "results")}'), name)
