_base_ = [
    '../_base_/models/retinanet_fpn.py',
    '../_base_/backbones/swin_tiny.py',
    '../_base_/datasets/coco_detection.py',
    '../_base_/schedules/adamw_36_epochs.py',
    '../_base_/runtime.py',
]
# no official config: the recipe of Mask R-CNN
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.2, out_indices=(1, 2, 3)),
    neck=dict(in_channels=_base_.pyramid_channels[1:]),
    bbox_head=dict(num_classes=_base_.num_classes),
)
