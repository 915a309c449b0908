"""ResNet-50 of mmdet or of mmseg, whichever the model is of; torchvision's weights, pretrained on ImageNet-1K.

It has no stochastic depth: leaves give it no drop_path_rate. In mmdet its norms stay in evaluation mode, in mmseg they
train.
"""

backbone = dict(
    type='ResNet',
    depth=50,
    num_stages=4,
    out_indices=(0, 1, 2, 3),
    norm_cfg=dict(type='BN', requires_grad=True),
    style='pytorch',
    init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth'),
)
pyramid_channels = [256, 512, 1024, 2048]
