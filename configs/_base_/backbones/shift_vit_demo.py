"""A small ShiftViT for the demo data, with about the multiply-adds of swin_demo.py."""

backbone = dict(
    type='swin_dense.ShiftViT',
    arch=dict(embed_dims=32, depths=(4, 6, 8, 3), mlp_ratio=2),
    drop_path_rate=0.0,
)
pyramid_channels = [32, 64, 128, 256]
