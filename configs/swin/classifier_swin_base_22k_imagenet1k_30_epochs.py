_base_ = [
    '../_base_/models/classifier_mixed.py',
    '../_base_/backbones/swin_base_22k.py',
    '../_base_/datasets/imagenet1k.py',
    '../_base_/schedules/adamw_30_epochs_classes.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, out_indices=(3,), clamp_shift=True, init_cfg=None, drop_path_rate=0.2),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
    init_cfg=_base_.backbone['init_cfg'],  # with the norm before the head
)
