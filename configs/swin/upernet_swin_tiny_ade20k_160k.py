_base_ = [
    '../_base_/models/upernet.py',
    '../_base_/backbones/swin_tiny.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/schedules/adamw_160k_iters.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.3),  # the official config; the paper says 0.2
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=_base_.pyramid_channels[2], num_classes=_base_.num_classes),
)
