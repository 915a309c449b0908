"""Ablation: shifted channels move by 2 pixels (default: 1). Its own pretraining goes to init_cfg."""

_base_ = ['../upernet_shift_vit_tiny_ade20k_160k.py']
model = dict(backbone=dict(shift_pixels=2, init_cfg=None))
