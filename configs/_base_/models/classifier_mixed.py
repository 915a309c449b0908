"""A classifier with the batch augmentation of DeiT, Swin and ShiftViT: random erasing, mixup or cutmix, smoothing."""

_base_ = ['classifier.py']
model = dict(
    data_preprocessor=dict(
        random_erasing=dict(type='swin_dense.RandomErasing', prob=0.25),
        mixing=dict(type='swin_dense.MixupCutmix', mixup_alpha=0.8, cutmix_alpha=1.0, label_smoothing=0.1),
    ),
)
