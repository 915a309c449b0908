backbone = dict(
    type='swin_dense.VideoSwinTransformer',
    arch=dict(embed_dims=48, depths=(2, 2), num_heads=(1, 2), window_size=(2, 4, 4), mlp_ratio=2),
    drop_path_rate=0.0,
    out_indices=(0, 1),
    exact_clamped_bias=True,
)
pyramid_channels = [48, 96]
