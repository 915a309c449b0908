_base_ = [
    '../_base_/models/recogniser.py',
    '../_base_/backbones/video_swin_small.py',
    '../_base_/datasets/kinetics400.py',
    '../_base_/schedules/adamw_30_epochs_clips.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.1, out_indices=(3,)),  # paper: 0.2, a clerical error
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
)
optim_wrapper = dict(optimizer=dict(weight_decay=0.02))
