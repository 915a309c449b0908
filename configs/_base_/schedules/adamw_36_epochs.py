"""COCO 3x: 36 epochs x 118k images / batch 16 = 265k iterations, learning rate / 10 after epochs 27 and 33."""

_base_ = ['adamw_12_epochs.py']
train_cfg = dict(max_epochs=36)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=501),  # factor 1e-3 at iteration 0, 1 at 500
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=36, milestones=[27, 33], gamma=0.1),
]
