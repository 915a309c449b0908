"""Ablation: expand ratio 4 in 57 layers, the official R4 (default: 2 in 114)."""

_base_ = ['../classifier_shift_vit_tiny_imagenet1k_300_epochs.py']
model = dict(backbone=dict(arch='r4_tiny'))
