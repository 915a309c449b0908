_base_ = [
    '../_base_/models/upernet.py',
    '../_base_/backbones/shift_vit_tiny.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/schedules/adamw_160k_iters.py',
    '../_base_/runtime.py',
]
# no recipe for ADE20K was published: that of Swin
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.3),
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=_base_.pyramid_channels[2], num_classes=_base_.num_classes),
)
