"""Your own masks of class numbers, 0 to N - 1, 255 for what does not count. Set these variables, or write them here:

DATASET_ROOT/images/training/NAME.jpg, images/validation/NAME.jpg   or .jpeg, .png, .bmp, .tif, .tiff, .webp
DATASET_ROOT/annotations/training/NAME.png, annotations/validation/NAME.png
CLASSES=background,object                                           the N names, in the order of the numbers
LABEL_MAP=255:1                                                     value in a mask:number, where they differ

Masks of colours are read where `mask_colors` of the data sets says which they are.
"""

data_root = '{{$DATASET_ROOT:data/own}}/'
names = '{{$CLASSES:background,object}}'
classes = tuple(name.strip() for name in names.split(','))
train_images = '{{$TRAIN_IMAGES:images/training}}'
train_masks = '{{$TRAIN_MASKS:annotations/training}}'
val_images = '{{$VAL_IMAGES:images/validation}}'
val_masks = '{{$VAL_MASKS:annotations/validation}}'
changed_values = '{{$LABEL_MAP:255:255}}'
label_map = {int(value): int(number) for value, number in (pair.split(':') for pair in changed_values.split(','))}
num_classes = len(classes)
crop_size = (512, 512)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),
    dict(type='LoadAnnotations'),  # after Resize: the mask keeps its own size
    dict(type='PackSegInputs'),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='swin_dense.SegmentationDataset',
        data_root=data_root,
        data_prefix=dict(img_path=train_images, seg_map_path=train_masks),
        label_map=label_map,
        metainfo=dict(classes=classes),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='swin_dense.SegmentationDataset',
        data_root=data_root,
        data_prefix=dict(img_path=val_images, seg_map_path=val_masks),
        label_map=label_map,
        metainfo=dict(classes=classes),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
