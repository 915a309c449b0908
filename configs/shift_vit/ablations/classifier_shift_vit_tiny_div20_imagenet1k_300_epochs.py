"""Ablation: 20 % of the channels move (default: 33)."""

_base_ = ['../classifier_shift_vit_tiny_imagenet1k_300_epochs.py']
model = dict(backbone=dict(n_div=20))
