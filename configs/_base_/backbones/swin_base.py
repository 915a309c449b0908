"""Swin-B, window 7: 88 M parameters, 15.4 G multiply-adds at 224 x 224; pretrained on ImageNet-1K, 83.5 top-1."""

backbone = dict(
    type='swin_dense.SwinTransformer',
    arch='base',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_base_patch4_window7_224.pth',
    ),
)
pyramid_channels = [128, 256, 512, 1024]
