"""ShiftViT-S light, Swin-S's depths: 34 M parameters, 5.7 G multiply-adds at 224 x 224; ImageNet-1K, 81.6 top-1."""

backbone = dict(
    type='swin_dense.ShiftViT',
    arch='light_small',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/microsoft/SPACH/releases/download/v1.0/shiftvit_small_light.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
