"""ViT-B/16 of ViTDet: windows of 14 x 14 but in four blocks, relative positions; pretrained by MAE on ImageNet-1K.

One map of stride 16, for swin_dense.SimpleFeaturePyramid. The position embedding is that of pretraining; training is at
1024 pixels. Source: projects/ViTDet of facebookresearch/detectron2@13a99ca.
"""

backbone = dict(
    type='swin_dense.VisionTransformer',
    arch='base',
    window_size=14,
    relative_position=True,
    relative_position_size=1024,
    class_token=False,
    out_indices=(11,),
    init_cfg=dict(
        type='Pretrained', checkpoint='https://dl.fbaipublicfiles.com/mae/pretrain/mae_pretrain_vit_base.pth'
    ),
)
pyramid_channels = [768]
