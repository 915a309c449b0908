"""Your own boxes, in COCO json. The variable DATASET_ROOT says where they lie, or write the paths here:

DATASET_ROOT/annotations/instances_train.json, instances_val.json
DATASET_ROOT/train/, val/                                           the images that the json names

Classes are those of the training json, in its order; their number is put into the heads from there.
"""

data_root = '{{$DATASET_ROOT:data/own}}/'
train_json = '{{$TRAIN_JSON:annotations/instances_train.json}}'
val_json = '{{$VAL_JSON:annotations/instances_val.json}}'
train_images = '{{$TRAIN_IMAGES:train/}}'
val_images = '{{$VAL_IMAGES:val/}}'

short_sides = [(side, 1333) for side in range(480, 801, 32)]  # 480, 512, ..., 800; long side at most 1333
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomChoiceResize', scales=short_sides, keep_ratio=True),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='swin_dense.CocoDataset',
        data_root=data_root,
        ann_file=train_json,
        data_prefix=dict(img=train_images),
        filter_cfg=dict(filter_empty_gt=False),  # images without objects teach too
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.CocoDataset',
        data_root=data_root,
        ann_file=val_json,
        data_prefix=dict(img=val_images),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='swin_dense.CocoMetric', metric=['bbox'])  # ground truth: that of the data set
test_evaluator = val_evaluator
