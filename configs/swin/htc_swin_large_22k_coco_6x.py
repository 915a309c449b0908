_base_ = [
    '../_base_/models/htc_fpn.py',
    '../_base_/backbones/swin_large_22k.py',
    '../_base_/datasets/coco_instance_semantic.py',
    '../_base_/schedules/adamw_72_epochs.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.2),
    neck=dict(in_channels=_base_.pyramid_channels),
    roi_head=dict(
        bbox_head=[dict(head, num_classes=_base_.num_classes) for head in _base_.bbox_heads],
        mask_head=[dict(head, num_classes=_base_.num_classes) for head in _base_.mask_heads],
    ),
)
