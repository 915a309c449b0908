_base_ = [
    '../_base_/models/upernet_clips_demo.py',
    '../_base_/backbones/swin_demo_small.py',
    '../_base_/datasets/demo_still_or_moving.py',
    '../_base_/schedules/adamw_demo_clips.py',
    '../_base_/runtime.py',
]
model = dict(
    frames_per_clip=_base_.frames_per_clip,
    backbone=_base_.backbone,
    neck=dict(in_channels=_base_.pyramid_channels, frames_per_clip=_base_.frames_per_clip, temporal_stride=1),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=len(_base_.classes)),
)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
