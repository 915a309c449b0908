_base_ = [
    '../_base_/models/upernet_clips.py',
    '../_base_/backbones/swin_tiny.py',
    '../_base_/datasets/vspw.py',
    '../_base_/schedules/adamw_160k_iters.py',
    '../_base_/runtime.py',
]
frames = _base_.frames_per_clip
model = dict(
    frames_per_clip=frames,
    backbone=dict(_base_.backbone, drop_path_rate=0.3),
    data_preprocessor=dict(size=_base_.crop_size),
    neck=dict(in_channels=_base_.pyramid_channels, frames_per_clip=frames, temporal_stride=1),
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=_base_.pyramid_channels[2], num_classes=_base_.num_classes),
)
