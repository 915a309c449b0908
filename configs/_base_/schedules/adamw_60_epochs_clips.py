"""Something-Something V2: 60 epochs from a model of Kinetics."""

_base_ = ['adamw_30_epochs_clips.py']
train_cfg = dict(max_epochs=60)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=2.5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=0, end=60, T_max=60, eta_min=0.0),
]
