_base_ = [
    '../_base_/models/recogniser.py',
    '../_base_/backbones/video_swin_base_k400_window16.py',
    '../_base_/datasets/something_something_v2.py',
    '../_base_/schedules/adamw_60_epochs_clips.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.4, out_indices=(3,)),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes, label_smoothing=0.1),
)
