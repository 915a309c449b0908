"""The same, with initial values."""

_base_ = ['../mask_rcnn_swin_demo.py']
model = dict(backbone=dict(init_cfg=None))
