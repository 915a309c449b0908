"""DeiT-B/16 (Touvron et al., 2020): ViT-B trained on ImageNet-1K alone, without distillation; 86 M parameters.

Four maps of stride 16. A neck makes the pyramid: mmseg's MultiLevelNeck, or swin_dense.SimpleFeaturePyramid.
"""

backbone = dict(
    type='swin_dense.VisionTransformer',
    arch='base',
    init_cfg=dict(
        type='Pretrained', checkpoint='https://dl.fbaipublicfiles.com/deit/deit_base_patch16_224-b5f2ef4d.pth'
    ),
)
pyramid_channels = [768, 768, 768, 768]
