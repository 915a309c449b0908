_base_ = ['classifier_shift_vit.py']
# 2 x as many blocks at half the ratio: the same multiply-adds
model = dict(backbone=dict(arch=dict(depths=(4, 4, 4), mlp_ratio=1)))
