"""The demo's AdamW in 300 iterations: for comparisons of many runs."""

_base_ = ['adamw_demo.py']
max_iters = 300
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_iters)]
