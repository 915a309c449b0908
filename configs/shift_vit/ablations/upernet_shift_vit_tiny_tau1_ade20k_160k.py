"""Ablation: expand ratio 1 in 225 layers (default: 2 in 114). Its own pretraining goes to init_cfg."""

_base_ = [
    '../../_base_/models/upernet.py',
    '../../_base_/backbones/shift_vit_tiny.py',
    '../../_base_/datasets/ade20k.py',
    '../../_base_/schedules/adamw_160k_iters.py',
    '../../_base_/runtime.py',
]
# the paper names the 225 layers, not how the stages share them
arch = dict(embed_dims=96, depths=(12, 15, 36, 12), mlp_ratio=1, n_div=12)
model = dict(
    backbone=dict(_base_.backbone, arch=arch, drop_path_rate=0.3, init_cfg=None),
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=_base_.pyramid_channels[2], num_classes=_base_.num_classes),
)
