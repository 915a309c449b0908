"""Your own boxes and masks in COCO json: DATASET_ROOT=FOLDER python tools/train.py THIS_FILE"""

_base_ = [
    '../_base_/models/mask_rcnn_fpn.py',
    '../_base_/backbones/swin_tiny.py',
    '../_base_/datasets/own_instance.py',
    '../_base_/schedules/adamw_12_epochs.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.1),
    neck=dict(in_channels=_base_.pyramid_channels),
)
