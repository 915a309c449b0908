_base_ = [
    '../../_base_/models/classifier.py',
    '../../_base_/backbones/shift_vit_mini.py',
    '../../_base_/datasets/demo_arrangements.py',
    '../../_base_/schedules/adamw_demo_arrangements_short.py',
    '../../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, norm='batch'),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1]),
)
