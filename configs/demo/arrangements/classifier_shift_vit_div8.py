_base_ = ['classifier_shift_vit.py']
model = dict(backbone=dict(n_div=8))
