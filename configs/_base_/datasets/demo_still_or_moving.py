"""The demo clips' segmentation half (tools/make_demo_data.py --clips): what moves is a class, what looks alike is not.

SWIN_DENSE_DEMO is the folder with clips/ in it.
"""

data_root = '{{$SWIN_DENSE_DEMO:demo}}/clips/segmentation/'
classes = ('ground', 'still', 'moving')
palette = [(60, 60, 60), (80, 140, 250), (250, 140, 40)]
frames_per_clip = 8

pipeline = [
    dict(
        type='swin_dense.ForEachFrame',
        transforms=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')],
    )
]

train_dataloader = dict(
    batch_size=4,  # clips
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.ClipSegmentationDataset',
        data_root=data_root,
        ann_file='train.txt',
        data_prefix=dict(video='data'),
        metainfo=dict(classes=classes, palette=palette),
        frames_per_clip=frames_per_clip,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=2,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.ClipSegmentationDataset',
        data_root=data_root,
        ann_file='val.txt',
        data_prefix=dict(video='data'),
        metainfo=dict(classes=classes, palette=palette),
        frames_per_clip=frames_per_clip,
        test_mode=True,
        pipeline=pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='swin_dense.ClipIoUMetric', iou_metrics=['mIoU']),
    dict(type='swin_dense.VideoConsistency', windows=(8, 16)),
]
test_evaluator = val_evaluator
