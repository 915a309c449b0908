_base_ = [
    '../_base_/models/retinanet_fpn.py',
    '../_base_/backbones/resnet_50.py',
    '../_base_/datasets/coco_detection.py',
    '../_base_/schedules/adamw_12_epochs.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, frozen_stages=1, out_indices=(1, 2, 3)),
    neck=dict(in_channels=_base_.pyramid_channels[1:]),
    bbox_head=dict(num_classes=_base_.num_classes),
)
