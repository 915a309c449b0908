"""Ablation: expand ratio 3 in 75 layers (default: 2 in 114), at equal parameters and multiply-adds."""

_base_ = ['../classifier_shift_vit_tiny_imagenet1k_300_epochs.py']
# the paper does not name the depths
arch = dict(embed_dims=96, depths=(4, 5, 12, 4), mlp_ratio=3, n_div=12)
model = dict(backbone=dict(arch=arch))
