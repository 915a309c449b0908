"""ImageNet-1K with three augmented copies of an image in a batch, as DeiT and ShiftViT train."""

_base_ = ['imagenet1k.py']
train_dataloader = dict(sampler=dict(type='swin_dense.RepeatedSampler', num_repeats=3))
