"""Where a cross lies, seen from a ring, one of eight directions; see tools/make_demo_data.py --classes.

SWIN_DENSE_DEMO is the folder with classes/ in it.
"""

data_root = '{{$SWIN_DENSE_DEMO:demo}}/classes/arrangements/'
classes = ('right', 'lower_right', 'below', 'lower_left', 'left', 'upper_left', 'above', 'upper_right')

train_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.PackImage'),
]
test_pipeline = [
    dict(type='swin_dense.ReadImage'),
    dict(type='swin_dense.PackImage'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.ImageFolderDataset',
        data_root=data_root,
        data_prefix=dict(image='train'),
        metainfo=dict(classes=classes),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.ImageFolderDataset',
        data_root=data_root,
        data_prefix=dict(image='val'),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='swin_dense.TopKAccuracy')
test_evaluator = val_evaluator
