_base_ = ['classifier_shift_vit.py']
# half as many blocks at 2 x the ratio: the same multiply-adds
model = dict(backbone=dict(arch=dict(depths=(1, 1, 1), mlp_ratio=4)))
