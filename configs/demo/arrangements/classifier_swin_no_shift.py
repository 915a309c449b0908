_base_ = ['classifier_swin.py']
model = dict(backbone=dict(shifted_windows=False))
