"""The CNN's own recipe."""

_base_ = [
    '../_base_/models/classifier.py',
    '../_base_/backbones/resnet_50.py',
    '../_base_/datasets/imagenet1k_plain.py',
    '../_base_/schedules/sgd_90_epochs_classes.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, type='mmdet.ResNet', out_indices=(3,), norm_eval=False, init_cfg=None),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
)
