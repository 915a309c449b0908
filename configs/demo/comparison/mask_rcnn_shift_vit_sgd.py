_base_ = [
    '../../_base_/models/mask_rcnn_demo.py',
    '../../_base_/backbones/shift_vit_demo.py',
    '../../_base_/datasets/demo_instance.py',
    '../../_base_/schedules/sgd_demo_short.py',
    '../../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, out_indices=(0, 1, 2)),
    neck=dict(in_channels=_base_.pyramid_channels[:3]),
    roi_head=dict(bbox_head=dict(num_classes=len(_base_.classes)), mask_head=dict(num_classes=len(_base_.classes))),
)
