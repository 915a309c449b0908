"""The same in 500 iterations: the short end of the road from one training scheme to the other."""

_base_ = ['adamw_demo_arrangements.py']
max_iters = 500
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_iters)]
default_hooks = dict(checkpoint=dict(interval=max_iters))
