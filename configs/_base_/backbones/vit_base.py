"""ViT-B/16 as mmseg has it with UPerNet: 86 M parameters; timm's weights, of ImageNet-21K, then ImageNet-1K.

Four maps of stride 16. A neck makes the pyramid: mmseg's MultiLevelNeck, or swin_dense.SimpleFeaturePyramid.
"""

backbone = dict(
    type='swin_dense.VisionTransformer',
    arch='base',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-vitjx/jx_vit_base_p16_224-80ecf9dd.pth',
    ),
)
pyramid_channels = [768, 768, 768, 768]
