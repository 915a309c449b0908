"""Ablation: ReLU (default: GELU). Its own pretraining goes to init_cfg."""

_base_ = ['../upernet_shift_vit_tiny_ade20k_160k.py']
model = dict(backbone=dict(activation='relu', init_cfg=None))
