_base_ = ['classifier_shift_vit.py']
model = dict(backbone=dict(shift_pixels=2))
