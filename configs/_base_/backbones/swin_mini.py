"""A Swin of three stages for pictures of 64 x 64, beside shift_vit_mini.py."""

backbone = dict(
    type='swin_dense.SwinTransformer',
    arch=dict(embed_dims=32, depths=(2, 2, 2), num_heads=(1, 2, 4), window_size=4, mlp_ratio=2),
    drop_path_rate=0.0,
    out_indices=(2,),
)
pyramid_channels = [128]
