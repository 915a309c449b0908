"""Ablation: expand ratio 4 in 57 layers, the official R4 (default: 2 in 114). Its own pretraining goes to init_cfg."""

_base_ = [
    '../../_base_/models/upernet.py',
    '../../_base_/backbones/shift_vit_tiny.py',
    '../../_base_/datasets/ade20k.py',
    '../../_base_/schedules/adamw_160k_iters.py',
    '../../_base_/runtime.py',
]
arch = 'r4_tiny'
model = dict(
    backbone=dict(_base_.backbone, arch=arch, drop_path_rate=0.3, init_cfg=None),
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=_base_.pyramid_channels[2], num_classes=_base_.num_classes),
)
