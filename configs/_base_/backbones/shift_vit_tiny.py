"""ShiftViT-T (expand ratio 2): 29 M parameters, 4.5 G multiply-adds at 224 x 224; ImageNet-1K, 81.7 top-1."""

backbone = dict(
    type='swin_dense.ShiftViT',
    arch='tiny',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/microsoft/SPACH/releases/download/v1.0/shiftvit_tiny_r2.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
