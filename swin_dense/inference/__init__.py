"""Prediction of images with trained models: `Predictor` for arrays and files, `tools/predict.py` for folders."""

from swin_dense.inference.predictor import Predictor
from swin_dense.inference.results import CroppedMask, Detections, Segmentation
from swin_dense.inference.views import Augmentation

__all__ = ['Augmentation', 'CroppedMask', 'Detections', 'Predictor', 'Segmentation']
