"""Own data: 20k iterations x batch 16, the rates of ADE20K's 160k iterations in an eighth of the time."""

_base_ = ['adamw_160k_iters.py']
max_iters = 20_000
train_cfg = dict(max_iters=max_iters, val_interval=2000)
param_scheduler = [
    # factor 1e-6 at iteration 0, 1 at 1500
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1501),
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=0, end=max_iters + 1),
]
default_hooks = dict(checkpoint=dict(interval=2000))
