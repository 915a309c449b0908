"""ShiftViT-T light, Swin-T's depths: 20 M parameters, 3.0 G multiply-adds at 224 x 224; ImageNet-1K, 79.4 top-1."""

backbone = dict(
    type='swin_dense.ShiftViT',
    arch='light_tiny',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/microsoft/SPACH/releases/download/v1.0/shiftvit_tiny_light.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
