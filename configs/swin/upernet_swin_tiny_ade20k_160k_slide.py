"""For tools/test.py: windows of the training size in steps of two thirds, scores averaged where they overlap."""

_base_ = ['upernet_swin_tiny_ade20k_160k.py']
model = dict(test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(341, 341)))
