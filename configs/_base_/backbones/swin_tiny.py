"""Swin-T, window 7: 28 M parameters, 4.5 G multiply-adds at 224 x 224; pretrained on ImageNet-1K, 81.2 top-1."""

backbone = dict(
    type='swin_dense.SwinTransformer',
    arch='tiny',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_tiny_patch4_window7_224.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
