"""Something-Something V2: labels/{labels,train,validation}.json, videos in 20bn-something-something-v2/. SSV2_ROOT.

One frame of each of 32 equal parts; no flips, since left and right are told apart; tests see 1 clip x 3 crops.
Source: configs/recognition/swin of SwinTransformer/Video-Swin-Transformer.
"""

data_root = '{{$SSV2_ROOT:data/something-something-v2}}/'
num_classes = 174

train_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, sampling='segments'),
    dict(type='swin_dense.ResizeShortSide', size=256),
    dict(type='swin_dense.RandomResizedCropClips', size=224),
    dict(type='swin_dense.RandAugmentClips', num_ops=4, magnitude=7),
    dict(type='swin_dense.RandomErasingClips', prob=0.25),
    dict(type='swin_dense.PackClips'),
]
val_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, sampling='segments', test_mode=True),
    dict(type='swin_dense.ResizeShortSide', size=256),
    dict(type='swin_dense.CenterCropClips', size=224),
    dict(type='swin_dense.PackClips'),
]
test_pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=32, sampling='segments', test_mode=True),
    dict(type='swin_dense.ResizeShortSide', size=224),
    dict(type='swin_dense.ThreeCrops', size=224),
    dict(type='swin_dense.PackClips'),
]

train_dataloader = dict(
    batch_size=8,  # x 8 GPUs x 8 steps a change of the weights
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.SomethingSomethingDataset',
        data_root=data_root,
        ann_file='labels/train.json',
        data_prefix=dict(video='20bn-something-something-v2'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.SomethingSomethingDataset',
        data_root=data_root,
        ann_file='labels/validation.json',
        data_prefix=dict(video='20bn-something-something-v2'),
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader['dataset'], pipeline=test_pipeline))
val_evaluator = dict(type='swin_dense.TopKAccuracy')
test_evaluator = val_evaluator
