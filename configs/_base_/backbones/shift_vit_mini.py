"""A ShiftViT of three stages for pictures of 64 x 64, about 10 M multiply-adds."""

backbone = dict(
    type='swin_dense.ShiftViT',
    arch=dict(embed_dims=40, depths=(2, 2, 2), mlp_ratio=2, n_div=12),
    drop_path_rate=0.0,
    out_indices=(2,),
)
pyramid_channels = [160]
