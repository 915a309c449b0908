"""A narrow ResNet-18 of mmdet or of mmseg for the demo data, with about the multiply-adds of swin_demo.py.

Its norms train from the start: there are no published weights of it.
"""

backbone = dict(
    type='ResNet',
    depth=18,
    stem_channels=24,
    base_channels=24,
    num_stages=4,
    out_indices=(0, 1, 2, 3),
    norm_cfg=dict(type='BN', requires_grad=True),
    norm_eval=False,
    style='pytorch',
)
pyramid_channels = [24, 48, 96, 192]
