"""ShiftViT on ImageNet-1K: as Swin's, with a step of the schedule after each epoch, and no clipping of gradients.

Source: main.py of microsoft/SPACH@dcede1e; its average of the weights is not what it evaluates, and is left out.
"""

_base_ = ['adamw_300_epochs_classes.py']
optim_wrapper = dict(clip_grad=None)
param_scheduler = [
    dict(type='swin_dense.WarmupCosineLR', warmup=20, end=300, warmup_lr=1e-6, min_lr=1e-5, lag=1, by_epoch=True),
]
