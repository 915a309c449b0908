"""Kinetics-400 at 384 x 384; tests see 10 clips x 5 crops in the paper, and 10 x 3 here.

Source: README of SwinTransformer/Video-Swin-Transformer; no config was released.
"""

_base_ = ['kinetics400.py']

train_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, interval=2),
    dict(type='swin_dense.ResizeShortSide', size=439),  # 256 x 384 / 224
    dict(type='swin_dense.RandomResizedCropClips', size=384),
    dict(type='swin_dense.FlipClips', prob=0.5),
    dict(type='swin_dense.PackClips'),
]
val_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, interval=2, test_mode=True),
    dict(type='swin_dense.ResizeShortSide', size=439),
    dict(type='swin_dense.CenterCropClips', size=384),
    dict(type='swin_dense.PackClips'),
]
test_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, interval=2, num_clips=10, test_mode=True),
    dict(type='swin_dense.ResizeShortSide', size=384),
    dict(type='swin_dense.ThreeCrops', size=384),
    dict(type='swin_dense.PackClips'),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
