"""A recogniser of clips: the mean of the last level, dropout, a linear layer. Open: backbone, cls_head.in_channels.

Source: configs/recognition/swin of SwinTransformer/Video-Swin-Transformer.
"""

default_scope = 'mmengine'  # types of this package say theirs
model = dict(
    type='swin_dense.VideoRecogniser',
    cls_head=dict(type='swin_dense.PooledHead', dropout=0.5),
    max_views_per_batch=4,
)
