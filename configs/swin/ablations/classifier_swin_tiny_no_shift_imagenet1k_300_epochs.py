"""Ablation: windows are not shifted. Published: 80.2 top-1, 81.3 with shifts."""

_base_ = ['../classifier_swin_tiny_imagenet1k_300_epochs.py']
model = dict(backbone=dict(shifted_windows=False))
