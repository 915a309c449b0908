_base_ = [
    '../_base_/models/upernet.py',
    '../_base_/backbones/resnet_50.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/schedules/adamw_160k_iters.py',
    '../_base_/runtime.py',
]
# the recipe of all other backbones; mmseg's published numbers are with SGD and another stem
model = dict(
    backbone=dict(_base_.backbone, norm_cfg=dict(type='SyncBN', requires_grad=True)),
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=_base_.pyramid_channels[2], num_classes=_base_.num_classes),
)
