"""Video Swin-B, window 16 x 7 x 7, from Kinetics-400 and, before, ImageNet-22K."""

backbone = dict(
    type='swin_dense.VideoSwinTransformer',
    arch='base',
    window_size=(16, 7, 7),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.4/swin_base_patch244_window1677_kinetics400_22k.pth',
    ),
)
pyramid_channels = [128, 256, 512, 1024]
