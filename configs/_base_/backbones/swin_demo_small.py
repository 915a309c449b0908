"""The backbone of video_swin_demo.py without time."""

backbone = dict(
    type='swin_dense.SwinTransformer',
    arch=dict(embed_dims=48, depths=(2, 2), num_heads=(1, 2), window_size=4, mlp_ratio=2),
    drop_path_rate=0.0,
    out_indices=(0, 1),
)
pyramid_channels = [48, 96]
