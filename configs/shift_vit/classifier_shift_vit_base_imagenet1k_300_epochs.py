_base_ = [
    '../_base_/models/classifier_mixed.py',
    '../_base_/backbones/shift_vit_base.py',
    '../_base_/datasets/imagenet1k_repeated.py',
    '../_base_/schedules/adamw_300_epochs_classes_repeated.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, out_indices=(3,), drop_path_rate=0.6, init_cfg=None),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
)
