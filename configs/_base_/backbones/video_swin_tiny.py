"""Video Swin-T, window 8 x 7 x 7: 28 M parameters, 88 G multiply-adds at 32 x 224 x 224; inflated from ImageNet-1K."""

backbone = dict(
    type='swin_dense.VideoSwinTransformer',
    arch='tiny',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_tiny_patch4_window7_224.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
