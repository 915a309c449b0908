"""Kinetics-400: annotations/train.csv, val.csv; videos in train/, val/. KINETICS400_ROOT says where the data lies.

Clips of 32 frames, every second one, 224 x 224; tests see 4 clips x 3 crops of each video.
Source: configs/recognition/swin of SwinTransformer/Video-Swin-Transformer.
"""

data_root = '{{$KINETICS400_ROOT:data/kinetics400}}/'
num_classes = 400

train_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, interval=2),
    dict(type='swin_dense.ResizeShortSide', size=256),
    dict(type='swin_dense.RandomResizedCropClips', size=224),
    dict(type='swin_dense.FlipClips', prob=0.5),
    dict(type='swin_dense.PackClips'),
]
val_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, interval=2, test_mode=True),
    dict(type='swin_dense.ResizeShortSide', size=256),
    dict(type='swin_dense.CenterCropClips', size=224),
    dict(type='swin_dense.PackClips'),
]
test_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, interval=2, num_clips=4, test_mode=True),
    dict(type='swin_dense.ResizeShortSide', size=224),
    dict(type='swin_dense.ThreeCrops', size=224),
    dict(type='swin_dense.PackClips'),
]

train_dataloader = dict(
    batch_size=8,  # x 8 GPUs x 4 or 8 steps a change of the weights
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.KineticsDataset',
        data_root=data_root,
        ann_file='annotations/train.csv',
        data_prefix=dict(video='train'),
        on_missing='skip',  # videos vanish from the web
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.KineticsDataset',
        data_root=data_root,
        ann_file='annotations/val.csv',
        data_prefix=dict(video='val'),
        on_missing='skip',
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader['dataset'], pipeline=test_pipeline))
val_evaluator = dict(type='swin_dense.TopKAccuracy')
test_evaluator = val_evaluator
