"""Swin-S, window 7: 50 M parameters, 8.7 G multiply-adds at 224 x 224; pretrained on ImageNet-1K, 83.2 top-1."""

backbone = dict(
    type='swin_dense.SwinTransformer',
    arch='small',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_small_patch4_window7_224.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
