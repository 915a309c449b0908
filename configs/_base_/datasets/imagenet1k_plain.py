"""ImageNet-1K with crops and flips alone, as ResNets were trained; tests are bilinear, as torchvision's."""

_base_ = ['imagenet1k.py']
train_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.RandomResizedCropImage', size=224, interpolation='bilinear'),
    dict(type='swin_dense.FlipImage', prob=0.5),
    dict(type='swin_dense.PackImage'),
]
test_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.ResizeImage', size=256, interpolation='bilinear'),
    dict(type='swin_dense.CenterCropImage', size=224),
    dict(type='swin_dense.PackImage'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))  # x 8 GPUs
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
