_base_ = [
    '../_base_/models/mask_rcnn_fpn.py',
    '../_base_/backbones/resnet_101.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/adamw_36_epochs.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, frozen_stages=1),
    neck=dict(in_channels=_base_.pyramid_channels),
    roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes), mask_head=dict(num_classes=_base_.num_classes)),
)
