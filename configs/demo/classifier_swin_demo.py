_base_ = [
    '../_base_/models/classifier.py',
    '../_base_/backbones/swin_demo.py',
    '../_base_/datasets/demo_objects.py',
    '../_base_/schedules/adamw_demo_classes.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, out_indices=(3,)),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1]),
)
