"""Swin-B, window 12, pretrained on ImageNet-22K at 384 x 384 (86.4 top-1 when fine-tuned on ImageNet-1K)."""

backbone = dict(
    type='swin_dense.SwinTransformer',
    arch='base',
    window_size=12,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_base_patch4_window12_384_22k.pth',
    ),
)
pyramid_channels = [128, 256, 512, 1024]
