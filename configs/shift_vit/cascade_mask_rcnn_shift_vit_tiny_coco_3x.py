_base_ = [
    '../_base_/models/cascade_mask_rcnn_fpn.py',
    '../_base_/backbones/shift_vit_tiny.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/adamw_36_epochs.py',
    '../_base_/runtime.py',
]
# no recipe for COCO was published: that of Swin
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.2),
    neck=dict(in_channels=_base_.pyramid_channels),
    roi_head=dict(
        bbox_head=[dict(head, num_classes=_base_.num_classes) for head in _base_.bbox_heads],
        mask_head=dict(num_classes=_base_.num_classes),
    ),
)
