"""A narrow ResNet-18 of mmdet for pictures of 64 x 64, beside shift_vit_mini.py."""

backbone = dict(
    type='mmdet.ResNet',
    depth=18,
    stem_channels=16,
    base_channels=16,
    num_stages=4,
    out_indices=(3,),
    norm_cfg=dict(type='BN', requires_grad=True),
    norm_eval=False,
    style='pytorch',
)
pyramid_channels = [128]
