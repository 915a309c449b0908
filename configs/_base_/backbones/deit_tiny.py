"""DeiT-Ti/16 (Touvron et al., 2020), trained on ImageNet-1K alone, without distillation; 5.7 M parameters.

Four maps of stride 16. A neck makes the pyramid: mmseg's MultiLevelNeck, or swin_dense.SimpleFeaturePyramid.
"""

backbone = dict(
    type='swin_dense.VisionTransformer',
    arch='tiny',
    init_cfg=dict(
        type='Pretrained', checkpoint='https://dl.fbaipublicfiles.com/deit/deit_tiny_patch16_224-a1311bcf.pth'
    ),
)
pyramid_channels = [192, 192, 192, 192]
