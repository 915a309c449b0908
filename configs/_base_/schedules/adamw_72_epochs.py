"""COCO 6x: 72 epochs x 118k images / batch 16 = 532k iterations, learning rate / 10 after epochs 63 and 69.

Source: appendix A2.2 of the Swin paper, for HTC++; no config was released.
"""

_base_ = ['adamw_12_epochs.py']
train_cfg = dict(max_epochs=72)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=501),  # factor 1e-3 at iteration 0, 1 at 500
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=72, milestones=[63, 69], gamma=0.1),
]
