"""Video Swin-L, window 8 x 12 x 12: 200 M parameters, 2107 G multiply-adds at 32 x 384 x 384; inflated from 22K."""

backbone = dict(
    type='swin_dense.VideoSwinTransformer',
    arch='large',
    window_size=(8, 12, 12),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_large_patch4_window12_384_22k.pth',
    ),
)
pyramid_channels = [192, 384, 768, 1536]
