backbone = dict(
    type='swin_dense.SwinTransformer',
    arch=dict(embed_dims=32, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8), window_size=4, mlp_ratio=2),
    drop_path_rate=0.0,
)
pyramid_channels = [32, 64, 128, 256]
