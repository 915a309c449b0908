"""A plain ViT for pictures of 64 x 64, beside shift_vit_mini.py; the classifier looks at its class token."""

backbone = dict(
    type='swin_dense.VisionTransformer',
    arch=dict(embed_dims=64, depth=6, num_heads=4, mlp_ratio=2),
    patch_size=8,
    image_size=64,
    out_indices=(5,),
    final_norm=True,
    class_token_level=True,
    drop_path_rate=0.0,
)
pyramid_channels = [64]
