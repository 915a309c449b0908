_base_ = [
    '../../_base_/models/classifier.py',
    '../../_base_/backbones/swin_mini.py',
    '../../_base_/datasets/demo_arrangements.py',
    '../../_base_/schedules/adamw_demo_arrangements.py',
    '../../_base_/runtime.py',
]
model = dict(backbone=_base_.backbone, cls_head=dict(in_channels=_base_.pyramid_channels[-1]))
