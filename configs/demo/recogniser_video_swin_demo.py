_base_ = [
    '../_base_/models/recogniser.py',
    '../_base_/backbones/video_swin_demo.py',
    '../_base_/datasets/demo_actions.py',
    '../_base_/schedules/adamw_demo_clips.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, out_indices=(1,)),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], dropout=0.0),
)
