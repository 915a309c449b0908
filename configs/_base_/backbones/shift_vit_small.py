"""ShiftViT-S (expand ratio 2): 50 M parameters, 8.8 G multiply-adds at 224 x 224; ImageNet-1K, 82.8 top-1."""

backbone = dict(
    type='swin_dense.ShiftViT',
    arch='small',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/microsoft/SPACH/releases/download/v1.0/shiftvit_small_r2.pth',
    ),
)
pyramid_channels = [96, 192, 384, 768]
