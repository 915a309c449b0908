"""Video Swin-B, window 8 x 7 x 7: 88 M parameters, 282 G multiply-adds at 32 x 224 x 224; inflated from ImageNet-1K."""

backbone = dict(
    type='swin_dense.VideoSwinTransformer',
    arch='base',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_base_patch4_window7_224.pth',
    ),
)
pyramid_channels = [128, 256, 512, 1024]
