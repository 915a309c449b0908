_base_ = [
    '../_base_/models/upernet_demo.py',
    '../_base_/backbones/swin_demo.py',
    '../_base_/datasets/demo_semantic.py',
    '../_base_/schedules/adamw_demo.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=_base_.backbone,
    decode_head=dict(in_channels=_base_.pyramid_channels, num_classes=len(_base_.classes)),
)
custom_hooks = [dict(type='swin_dense.OverlayHook', visualizer=dict(type='SegLocalVisualizer'))]
max_iters = 300  # of the detector's 400: it learns faster
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_iters)]
