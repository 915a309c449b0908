"""DeiT-S, tested with the average of its weights over 25,000 iterations, of a constant decay of 0.99996."""

_base_ = ['classifier_deit_small_imagenet1k_300_epochs.py']
custom_hooks = [dict(type='EMAHook', momentum=4e-5)]
