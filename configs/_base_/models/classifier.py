"""A classifier of images: the mean of the last level, a linear layer. Open: backbone, cls_head.in_channels."""

default_scope = 'mmengine'  # types of this package say theirs
model = dict(
    type='swin_dense.ImageClassifier',
    data_preprocessor=dict(type='swin_dense.ClassDataPreprocessor'),
    cls_head=dict(
        type='swin_dense.PooledHead',
        dropout=0.0,
        init_cfg=dict(type='TruncNormal', layer='Linear', std=0.02),
    ),
)
