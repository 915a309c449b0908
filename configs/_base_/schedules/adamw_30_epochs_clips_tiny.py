"""Kinetics with Video Swin-T: 256 clips a change of the weights, and less decay."""

_base_ = ['adamw_30_epochs_clips.py']
optim_wrapper = dict(optimizer=dict(weight_decay=0.02), accumulative_counts=4)
auto_scale_lr = dict(base_batch_size=256)
