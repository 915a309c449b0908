"""Ablation: n_div 20, 17 to 20 % of the channels (default: 12, 33 %). Its own pretraining goes to init_cfg."""

_base_ = ['../upernet_shift_vit_tiny_ade20k_160k.py']
model = dict(backbone=dict(n_div=20, init_cfg=None))
