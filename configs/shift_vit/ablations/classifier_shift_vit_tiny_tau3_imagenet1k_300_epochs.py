"""Ablation: expand ratio 3 in 75 layers (default: 2 in 114), at equal parameters and multiply-adds."""

_base_ = [
    '../../_base_/models/classifier_mixed.py',
    '../../_base_/backbones/shift_vit_tiny.py',
    '../../_base_/datasets/imagenet1k_repeated.py',
    '../../_base_/schedules/adamw_300_epochs_classes_repeated.py',
    '../../_base_/runtime.py',
]
# the paper does not name the depths
arch = dict(embed_dims=96, depths=(4, 5, 12, 4), mlp_ratio=3, n_div=12)
model = dict(
    backbone=dict(_base_.backbone, out_indices=(3,), drop_path_rate=0.2, init_cfg=None, arch=arch),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
)
