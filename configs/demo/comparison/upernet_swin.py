_base_ = [
    '../../_base_/models/upernet_demo.py',
    '../../_base_/backbones/swin_demo.py',
    '../../_base_/datasets/demo_semantic.py',
    '../../_base_/schedules/adamw_demo_short.py',
    '../../_base_/runtime.py',
]
model = dict(
    backbone=_base_.backbone,
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=len(_base_.classes)),
)
