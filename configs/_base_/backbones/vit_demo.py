"""A small plain ViT for the demo data, with about the multiply-adds of swin_demo.py.

Four maps of stride 8, for 128 x 128 pictures in training. A neck makes the pyramid.
"""

backbone = dict(
    type='swin_dense.VisionTransformer',
    arch=dict(embed_dims=64, depth=4, num_heads=4, mlp_ratio=3),
    patch_size=8,
    image_size=128,
    class_token=False,
    drop_path_rate=0.0,
)
pyramid_channels = [64, 64, 64, 64]
