_base_ = [
    '../_base_/models/sparse_rcnn_fpn.py',
    '../_base_/backbones/swin_tiny.py',
    '../_base_/datasets/coco_detection.py',
    '../_base_/schedules/adamw_36_epochs.py',
    '../_base_/runtime.py',
]
# no official config: the recipe of Mask R-CNN
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.2),
    neck=dict(in_channels=_base_.pyramid_channels),
    roi_head=dict(bbox_head=[dict(_base_.bbox_head, num_classes=_base_.num_classes)] * _base_.num_stages),
)
optim_wrapper = dict(clip_grad=dict(max_norm=1, norm_type=2))  # as mmdet has it for Sparse R-CNN
