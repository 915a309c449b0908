"""The transformers' recipe, DeiT's, on a CNN."""

_base_ = [
    '../_base_/models/classifier_mixed.py',
    '../_base_/backbones/resnet_50.py',
    '../_base_/datasets/imagenet1k_repeated.py',
    '../_base_/schedules/adamw_300_epochs_classes_deit.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, type='mmdet.ResNet', out_indices=(3,), norm_eval=False, init_cfg=None),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
)
