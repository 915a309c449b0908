"""Swin-T, window 7, pretrained on ImageNet-22K at 224 x 224 (80.9 top-1 when fine-tuned on ImageNet-1K)."""

backbone = dict(
    type='swin_dense.SwinTransformer',
    arch='tiny',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.8/swin_tiny_patch4_window7_224_22k.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
