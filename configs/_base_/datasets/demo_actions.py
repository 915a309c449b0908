"""The demo clips' actions (tools/make_demo_data.py --clips); SWIN_DENSE_DEMO is the folder with clips/ in it."""

data_root = '{{$SWIN_DENSE_DEMO:demo}}/clips/actions/'
classes = (
    'moves right',
    'moves left',
    'moves down',
    'moves up',
    'turns clockwise',
    'turns counterclockwise',
)
num_frames = 8  # of the 16 of a video

train_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=num_frames, interval=1),
    dict(type='swin_dense.PackClips'),
]
test_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=num_frames, interval=1, test_mode=True),
    dict(type='swin_dense.PackClips'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.ClipDataset',
        data_root=data_root,
        ann_file='train.txt',
        data_prefix=dict(video='videos'),
        metainfo=dict(classes=classes),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.ClipDataset',
        data_root=data_root,
        ann_file='val.txt',
        data_prefix=dict(video='videos'),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='swin_dense.TopKAccuracy')
test_evaluator = val_evaluator
