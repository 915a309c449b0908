_base_ = ['classifier_swin.py']
model = dict(backbone=dict(position_bias=False))
