"""Ablation: no position bias. Published: 80.1 top-1, 81.3 with it."""

_base_ = ['../classifier_swin_tiny_imagenet1k_300_epochs.py']
model = dict(backbone=dict(position_bias=False))
