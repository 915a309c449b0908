"""Video Swin-S, window 8 x 7 x 7: 50 M parameters, 166 G multiply-adds at 32 x 224 x 224; inflated from ImageNet-1K."""

backbone = dict(
    type='swin_dense.VideoSwinTransformer',
    arch='small',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_small_patch4_window7_224.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
