"""Pretrained weights: strictly, with a report. `load_pretrained` is all that most callers need."""

from swin_dense.checkpoints.classifiers import load_classifier
from swin_dense.checkpoints.loading import load_pretrained
from swin_dense.checkpoints.report import LoadReport

__all__ = ['LoadReport', 'load_classifier', 'load_pretrained']
