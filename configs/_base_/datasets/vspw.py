"""VSPW, 480p: data/VIDEO/{origin,mask}, train.txt, val.txt; 124 classes, 0 in masks is ignored. VSPW_ROOT says where.

classes.txt, a name in each line in the order of the numbers, is written from the data set's label_num_dic_final.json.
Clips of 8 frames; crops and sizes as on ADE20K. No config of Video Swin was released for it: ours.
"""

data_root = '{{$VSPW_ROOT:data/vspw}}/'
num_classes = 124
crop_size = (480, 480)
frames_per_clip = 8

train_pipeline = [
    dict(
        type='swin_dense.ForEachFrame',
        transforms=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', reduce_zero_label=True),
            dict(type='RandomResize', scale=(853, 480), ratio_range=(0.5, 2.0), keep_ratio=True),
            dict(type='RandomCrop', crop_size=crop_size),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSegInputs'),
        ],
    )
]
test_pipeline = [
    dict(
        type='swin_dense.ForEachFrame',
        transforms=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(853, 480), keep_ratio=True),
            dict(type='LoadAnnotations', reduce_zero_label=True),  # after Resize: the mask keeps its own size
            dict(type='PackSegInputs'),
        ],
    )
]

train_dataloader = dict(
    batch_size=2,  # clips, x 8 GPUs = 16
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.ClipSegmentationDataset',
        data_root=data_root,
        ann_file='train.txt',
        data_prefix=dict(video='data'),
        metainfo=dict(classes=data_root + 'classes.txt'),
        reduce_zero_label=True,
        frames_per_clip=frames_per_clip,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.ClipSegmentationDataset',
        data_root=data_root,
        ann_file='val.txt',
        data_prefix=dict(video='data'),
        metainfo=dict(classes=data_root + 'classes.txt'),
        reduce_zero_label=True,
        frames_per_clip=frames_per_clip,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='swin_dense.ClipIoUMetric', iou_metrics=['mIoU']),
    dict(type='swin_dense.VideoConsistency', windows=(8, 16)),
]
test_evaluator = val_evaluator
