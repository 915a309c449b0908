"""AdamW, a short warm-up, then a cosine to zero, for clips: minutes on two cores."""

_base_ = ['adamw_demo.py']
train_cfg = dict(max_iters=900, val_interval=900)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=50, end=900, eta_min=0.0),
]
default_hooks = dict(checkpoint=dict(interval=300))
