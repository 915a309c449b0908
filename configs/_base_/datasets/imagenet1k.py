"""ImageNet-1K with RandAugment at 224 x 224; IMAGENET_ROOT says where train/ and val/ lie, a folder for each class.

Tests resize the short side to 256 and take the middle 224 x 224. Either may be a tar file: data_prefix=dict(image=
'ILSVRC2012_img_train.tar'). Source: config.py and data/build.py of microsoft/Swin-Transformer@f82860b.
"""

data_root = '{{$IMAGENET_ROOT:data/imagenet}}/'
num_classes = 1000

train_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.RandomResizedCropImage', size=224),
    dict(type='swin_dense.FlipImage', prob=0.5),
    dict(type='swin_dense.RandAugment', magnitude=9, magnitude_std=0.5),
    dict(type='swin_dense.PackImage'),
]
test_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.ResizeImage', size=256),
    dict(type='swin_dense.CenterCropImage', size=224),
    dict(type='swin_dense.PackImage'),
]

train_dataloader = dict(
    batch_size=128,  # x 8 GPUs
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.ImageFolderDataset',
        data_root=data_root,
        data_prefix=dict(image='train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.ImageFolderDataset',
        data_root=data_root,
        data_prefix=dict(image='val'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='swin_dense.TopKAccuracy')
test_evaluator = val_evaluator
