_base_ = [
    '../_base_/models/mask_rcnn_fpn.py',
    '../_base_/backbones/swin_base.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/adamw_12_epochs.py',
    '../_base_/runtime.py',
]
# no official config: stochastic depth as in that of Cascade Mask R-CNN
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.3),
    neck=dict(in_channels=_base_.pyramid_channels),
    roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes), mask_head=dict(num_classes=_base_.num_classes)),
)
