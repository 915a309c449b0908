"""ImageNet-1K at 384 x 384, for fine-tuning; tests resize both sides to 384, without a crop.

Source: swin_base_patch4_window12_384_finetune.yaml of microsoft/Swin-Transformer@f82860b.
"""

_base_ = ['imagenet1k.py']
train_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.RandomResizedCropImage', size=384),
    dict(type='swin_dense.FlipImage', prob=0.5),
    dict(type='swin_dense.RandAugment', magnitude=9, magnitude_std=0.5),
    dict(type='swin_dense.PackImage'),
]
test_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.ResizeImage', size=384, keep_ratio=False),
    dict(type='swin_dense.CenterCropImage', size=384),
    dict(type='swin_dense.PackImage'),
]
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=train_pipeline))  # x 8 GPUs x 2 steps
val_dataloader = dict(batch_size=64, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(batch_size=64, dataset=dict(pipeline=test_pipeline))
