"""Ablation: expand ratio 1 in 225 layers (default: 2 in 114), at equal parameters and multiply-adds."""

_base_ = ['../classifier_shift_vit_tiny_imagenet1k_300_epochs.py']
# the paper names the 225 layers, not how the stages share them
arch = dict(embed_dims=96, depths=(12, 15, 36, 12), mlp_ratio=1, n_div=12)
model = dict(backbone=dict(arch=arch))
