"""Ablation: expand ratio 1 in 225 layers (default: 2 in 114), at equal parameters and multiply-adds."""

_base_ = [
    '../../_base_/models/classifier_mixed.py',
    '../../_base_/backbones/shift_vit_tiny.py',
    '../../_base_/datasets/imagenet1k_repeated.py',
    '../../_base_/schedules/adamw_300_epochs_classes_repeated.py',
    '../../_base_/runtime.py',
]
# the paper names the 225 layers, not how the stages share them
arch = dict(embed_dims=96, depths=(12, 15, 36, 12), mlp_ratio=1, n_div=12)
model = dict(
    backbone=dict(_base_.backbone, out_indices=(3,), drop_path_rate=0.2, init_cfg=None, arch=arch),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
)
