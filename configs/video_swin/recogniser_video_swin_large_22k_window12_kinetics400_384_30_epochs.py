_base_ = [
    '../_base_/models/recogniser.py',
    '../_base_/backbones/video_swin_large_22k_window12.py',
    '../_base_/datasets/kinetics400_384.py',
    '../_base_/schedules/adamw_30_epochs_clips.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.2, out_indices=(3,), activation_checkpointing=True),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
)
auto_scale_lr = dict(base_batch_size=64)  # 8 GPUs x 1 clip x 8 steps; the paper's
optim_wrapper = dict(optimizer=dict(lr=3e-4))
