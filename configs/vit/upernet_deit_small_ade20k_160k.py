_base_ = [
    '../_base_/models/upernet_multi_level.py',
    '../_base_/backbones/deit_small.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/schedules/adamw_160k_iters.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, image_size=_base_.crop_size, drop_path_rate=0.1),
    data_preprocessor=dict(size=_base_.crop_size),
    neck=dict(in_channels=_base_.pyramid_channels, out_channels=_base_.pyramid_channels[-1]),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=_base_.pyramid_channels[3], num_classes=_base_.num_classes),
)
