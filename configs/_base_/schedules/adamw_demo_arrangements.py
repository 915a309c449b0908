"""The same in 1600 iterations, three minutes on a core: Swin's loss stays at that of a guess for 350 to 650 of them.

With 800 in all, one seed of six never left it.
"""

_base_ = ['adamw_demo_classes.py']
max_iters = 1600
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_iters)]
default_hooks = dict(checkpoint=dict(interval=max_iters))
