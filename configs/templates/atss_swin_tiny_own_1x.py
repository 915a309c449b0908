"""Your own boxes in COCO json: DATASET_ROOT=FOLDER python tools/train.py configs/templates/atss_swin_tiny_own_1x.py"""

_base_ = [
    '../_base_/models/atss_fpn.py',
    '../_base_/backbones/swin_tiny.py',
    '../_base_/datasets/own_detection.py',
    '../_base_/schedules/adamw_12_epochs.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.1, out_indices=(1, 2, 3)),
    neck=dict(in_channels=_base_.pyramid_channels[1:]),
)
