_base_ = [
    '../_base_/models/mask_rcnn_vitdet.py',
    '../_base_/backbones/vit_base_windowed.py',
    '../_base_/datasets/coco_instance_lsj.py',
    '../_base_/schedules/adamw_100_epochs.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.1),
    data_preprocessor=dict(pad_size_divisor=_base_.image_size[0]),  # no image is larger
    neck=dict(in_channels=_base_.pyramid_channels),
    roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes), mask_head=dict(num_classes=_base_.num_classes)),
)
