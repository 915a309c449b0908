"""DeiT-S/16 (Touvron et al., 2020): ViT-S trained on ImageNet-1K alone, without distillation; 22 M parameters.

Four maps of stride 16. A neck makes the pyramid: mmseg's MultiLevelNeck, or swin_dense.SimpleFeaturePyramid.
"""

backbone = dict(
    type='swin_dense.VisionTransformer',
    arch='small',
    init_cfg=dict(
        type='Pretrained', checkpoint='https://dl.fbaipublicfiles.com/deit/deit_small_patch16_224-cd65a155.pth'
    ),
)
pyramid_channels = [384, 384, 384, 384]
