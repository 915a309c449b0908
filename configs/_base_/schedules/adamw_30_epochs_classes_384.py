"""The same in two steps for a change of the weights: 8 GPUs x 64 images of 384 x 384 x 2 steps are a batch of 1024."""

_base_ = ['adamw_30_epochs_classes.py']
optim_wrapper = dict(accumulative_counts=2)
