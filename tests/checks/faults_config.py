"""Faults of configs: keys, types, settings without effect, parts that do not fit together."""

from tests.checks.planted import Fault

_ONE_MAP = """
model = dict(backbone=dict(_delete_=True, type='swin_dense.VisionTransformer', arch=dict(embed_dims=32, depth=4,
    num_heads=2), image_size=64), neck=dict(in_channels=[32, 32, 32, 32], num_outs=4))
"""

FAULTS = [
    # --- keys and types -----------------------------------------------------------------------------------------------
    Fault(
        name='misspelt top-level key', task='detection', rule='unknown-key', where=': optim_wraper',
        silent="the optimiser's settings are those of the base",
        says=('nothing reads', "'optim_wrapper'"), config='optim_wraper = dict(optimizer=dict(lr=1e-4))',
    ),
    Fault(
        name='misspelt argument of the training loop', task='detection', rule='unknown-key',
        where=': train_cfg.max_iter', says=("'max_iter'", "'max_iters'"), config='train_cfg = dict(max_iter=5000)',
    ),
    Fault(
        name="mmdet's name of a backbone's argument", task='segmentation', rule='unknown-key',
        where=': model.backbone.drop_path', says=("'drop_path_rate'", 'SwinTransformer does not take'),
        config='model = dict(backbone=dict(drop_path=0.1))',
    ),
    Fault(
        name='frozen_stages of mmdet', task='detection', rule='unknown-key', where=': model.backbone.frozen_stages',
        silent='its own Swin has this argument',
        says=("'num_frozen_stages'",), config='model = dict(backbone=dict(frozen_stages=2))',
    ),
    Fault(
        name='misspelt key of a loader', task='detection', rule='unknown-key', where=': train_dataloader.batchsize',
        says=("'batch_size'",), config='train_dataloader = dict(batchsize=4)',
    ),
    Fault(
        name='misspelt argument of a transform', task='detection', rule='unknown-key',
        where=': train_dataloader.dataset.pipeline.3.probability', says=("'prob'", 'RandomFlip'),
        config="""
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='RandomResize', scale=(192, 144), ratio_range=(0.9, 1.1), keep_ratio=True),
    dict(type='RandomFlip', probability=0.5), dict(type='PackDetInputs')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
""",
    ),
    Fault(
        name='an argument of a loss that it has not', task='segmentation', rule='unknown-key',
        where=': model.decode_head.loss_decode.label_smoothing', says=('CrossEntropyLoss does not take',),
        config='model = dict(decode_head=dict(loss_decode=dict(label_smoothing=0.1)))',
    ),
    Fault(
        name='misspelt threshold of the test', task='detection', rule='unknown-key', level='warning',
        silent='the threshold stays what it was',
        where=': model.test_cfg.rcnn.score_thresh', says=("'score_thr'",),
        config='model = dict(test_cfg=dict(rcnn=dict(score_thresh=0.3)))',
    ),
    Fault(
        name='hooks of mmdet 2', task='detection', rule='old-key', where=': lr_config',
        silent='the schedule is that of the base',
        says=('param_scheduler',), config="lr_config = dict(policy='step', step=[8, 11])",
    ),
    Fault(
        name='misspelt type', task='segmentation', rule='unknown-type', where=': model.backbone.type',
        says=('registry MODELS', "'swin_dense.SwinTransformer'"),
        config="model = dict(backbone=dict(type='swin_dense.SwinTransfomer'))",
    ),
    Fault(
        name='a transform of another library', task='detection', rule='unknown-type',
        where=': train_dataloader.dataset.pipeline.2.type', says=('registry TRANSFORMS', "'mmseg.ResizeToMultiple'"),
        config="""
train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='ResizeToMultiple', size_divisor=32), dict(type='PackDetInputs')]))
""",
    ),
    Fault(
        name='a type of a package that is not installed', task='segmentation', rule='unknown-type',
        where=': model.backbone.type', says=("'mmpretrain'", 'no package mmpretrain'),
        config="model = dict(backbone=dict(_delete_=True, type='mmpretrain.ConvNeXt', arch='tiny'))",
    ),
    Fault(
        name='a module of custom_imports that fails', task='detection', rule='failed-import',
        silent='what the module registers is not there',
        where=': custom_imports.imports', says=('no_such_plug_in', 'ModuleNotFoundError'),
        config="custom_imports = dict(imports=['no_such_plug_in'], allow_failed_imports=True)",
    ),
    Fault(
        name='a required argument taken away', task='segmentation', rule='missing-argument',
        where=': train_dataloader.dataset.pipeline.2.crop_size', says=("needs 'crop_size'",),
        config="""
train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', reduce_zero_label=True),
    dict(type='RandomCrop', cat_max_ratio=0.75), dict(type='PackSegInputs')]))
""",
    ),
    # --- settings -----------------------------------------------------------------------------------------------------
    Fault(
        name='a pipeline changed by its variable alone', task='detection', rule='idle-variable',
        silent='the pipeline is that of the base',
        where=': train_pipeline', says=('train_dataloader.dataset.pipeline', 'dict(dataset=dict(pipeline=train_p'),
        config="""
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(96, 72), keep_ratio=True), dict(type='PackDetInputs')]
""",
    ),
    Fault(
        name='a length changed by its variable alone', task='segmentation', rule='idle-variable', where=': max_iters',
        silent='training is as long as before',
        says=('train_cfg.max_iters', '300'), config='max_iters = 1000',
    ),
    Fault(
        name='another data set for validation alone', task='detection', rule='idle-variable', level='warning',
        silent='testing reads the set of the base',
        where=': val_dataloader', says=('test_dataloader = val_dataloader',),
        config='val_dataloader = dict(dataset=dict(ann_file="annotations/instances_train.json",'
        ' data_prefix=dict(img="train/")))',
    ),
    Fault(
        name="the evaluator's own stale annotations", task='detection', rule='missing-file',
        where=': val_evaluator.ann_file', says=('data/coco/annotations/instances_val2017.json', 'instances_val.json'),
        config="val_evaluator = dict(_delete_=True, type='CocoMetric', metric='bbox',"
        " ann_file='data/coco/annotations/instances_val2017.json')",
    ),
    Fault(
        name='the evaluator compares with other images', task='detection', rule='other-annotations',
        where=': val_evaluator.ann_file', says=('instances_train.json', 'instances_val.json'),
        config="val_evaluator = dict(_delete_=True, type='CocoMetric', metric='bbox',"
        " ann_file='{{$SWIN_DENSE_DEMO:demo}}/data/detection/annotations/instances_train.json')",
    ),
    Fault(
        name='the best checkpoint by a number that is not there', task='segmentation', rule='unknown-metric',
        where=': default_hooks.checkpoint.save_best', says=("'miou'", 'aAcc, mIoU, mAcc'),
        config="default_hooks = dict(checkpoint=dict(save_best='miou'))",
    ),
    Fault(
        name='masks asked of a model without', task='detection', rule='metric-of-masks', where=': val_evaluator.metric',
        says=("metric='bbox'", 'FasterRCNN'),
        config="model = dict(type='FasterRCNN', roi_head=dict(mask_head=None, mask_roi_extractor=None))",
    ),
    Fault(
        name='a mask head without masks', task='detection', rule='not-loaded',
        where=': train_dataloader.dataset.pipeline.1.with_mask', says=('model.roi_head.mask_head', 'with_mask=True'),
        config="""
train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True), dict(type='PackDetInputs')]))
""",
    ),
    Fault(
        name='validation without an evaluator', task='segmentation', rule='incomplete-parts', where=': val_evaluator',
        says=('val_dataloader and val_cfg are set',), config='val_evaluator = None',
    ),
    Fault(
        name='a schedule that counts epochs', task='segmentation', rule='schedule-in-epochs',
        silent='the rate is constant',
        where=': param_scheduler.by_epoch', says=('by_epoch=False',),
        config="param_scheduler = dict(_delete_=True, type='PolyLR', power=0.9, begin=0, end=300)",
    ),
    Fault(
        name='a training shorter than its schedule', task='detection', rule='schedule-length', level='warning',
        silent='the rate stays high to the end',
        where=': param_scheduler.1.end', says=('ends at iteration 400, training at 100',),
        config='train_cfg = dict(max_iters=100, val_interval=100)',
    ),
    Fault(
        name='a rate for another batch', task='detection', rule='learning-rate', level='warning',
        silent='the rate is eight times that of the recipe for each image',
        where=': optim_wrapper.optimizer.lr', says=('batch 8', 'recipe is for batch 64', 'enable=True', '0.00025'),
        config='auto_scale_lr = dict(base_batch_size=64, enable=False)',
    ),
    Fault(
        name='a hook twice', task='detection', rule='hook-twice', level='warning', where=': custom_hooks.0',
        silent='two hooks save, and delete, checkpoints',
        says=('CheckpointHook runs 2 times', 'default_hooks.checkpoint'),
        config="custom_hooks = [dict(type='swin_dense.CheckpointHook', by_epoch=False, interval=50)]",
    ),
    Fault(
        name='weights that are not there', task='segmentation', rule='missing-weights',
        where=': model.backbone.init_cfg.checkpoint', says=('swin_tiny_patch4_window7_224',),
        config="model = dict(backbone=dict(init_cfg=dict(type='Pretrained',"
        " checkpoint='pretrained/swin_tiny_patch4_window7_224.pth')))",
    ),
    Fault(
        name='batch normalisation of one pixel', task='segmentation', rule='batch-of-one',
        where=': train_dataloader.batch_size', says=('batch_size=2',), config='train_dataloader = dict(batch_size=1)',
    ),
    Fault(
        name='a class twice', task='segmentation', rule='class-twice',
        silent='one output is never trained',
        where=': train_dataloader.dataset.metainfo.classes', says=("'grass'",),
        config="names = ('sky', 'grass', 'water', 'sand', 'grass', 'toy')\n"
        'train_dataloader = dict(dataset=dict(metainfo=dict(classes=names)))',
    ),
    # --- metrics and rates --------------------------------------------------------------------------------------------
    Fault(
        name='a misspelt metric of boxes', task='detection', rule='unknown-metric', where=': val_evaluator.metric',
        says=("'bbbox'", "'bbox'"), config="val_evaluator = dict(metric='bbbox')",
    ),
    Fault(
        name='a misspelt metric of masks', task='segmentation', rule='unknown-metric',
        where=': val_evaluator.iou_metrics', says=("'mIOU'", "'mIoU'"),
        config="val_evaluator = dict(iou_metrics=['mIOU'])",
    ),
    Fault(
        name='a misspelt best metric', task='detection', rule='unknown-metric',
        where=': default_hooks.checkpoint.save_best', says=("'coco/bbbox_mAP'", "'coco/bbox_mAP'"),
        config="val_evaluator = dict(classwise=True)\n"
        "default_hooks = dict(checkpoint=dict(save_best='coco/bbbox_mAP'))",
    ),
    Fault(
        name='optimiser with an s', task='detection', rule='unknown-key', where=': optim_wrapper.optimiser',
        says=("'optimizer'",), config="optim_wrapper = dict(optimiser=dict(type='AdamW', lr=1e-4))",
    ),
    Fault(
        name='a rate of 1 for AdamW', task='detection', rule='lr-unusual', level='warning',
        where=': optim_wrapper.optimizer.lr', says=('AdamW', '0.01'),
        config='optim_wrapper = dict(optimizer=dict(lr=1.0))',
        silent='weights become NaN, or nothing is learned',
    ),
    Fault(
        name='a test without its data', task='segmentation', rule='incomplete-parts', where=': test_dataloader',
        says=('test_dataloader = val_dataloader',), config='test_dataloader = None',
    ),
    # --- rules for parameters -----------------------------------------------------------------------------------------
    Fault(
        name='a rule for parameters that nothing reads', task='detection', rule='unknown-key',
        where=': optim_wrapper.paramwise_cfg.norm_decay_mul',
        says=("'norm_decay_mult'", 'DefaultOptimWrapperConstructor'),
        config='optim_wrapper = dict(constructor=None, paramwise_cfg=dict(norm_decay_mul=0.0))',
        silent='norms decay as all else',
    ),
    Fault(
        name='a rule for a name that is misspelt', task='detection', rule='unknown-key',
        where=': optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mul', says=("'lr_mult'",),
        config='optim_wrapper = dict(constructor=None,\n'
        '    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mul=0.1))))',
        silent='the backbone has the whole rate',
    ),
    Fault(
        name="mmengine's rules for our constructor", silent='its own constructor follows them', task='detection',
        rule='unknown-key', where=': optim_wrapper.paramwise_cfg.custom_keys', says=('ParameterGroups', 'lr_mult'),
        config='optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))',
    ),
    Fault(
        name='a misspelt constructor', task='detection', rule='unknown-type', where=': optim_wrapper.constructor',
        says=("'swin_dense.ParameterGroups'",), config="optim_wrapper = dict(constructor='swin_dense.ParameterGroup')",
    ),
    Fault(
        name='a rule for a part that is not there', task='detection', rule='rule-without-parameters', level='warning',
        where=': optim_wrapper.paramwise_cfg.custom_keys', says=("'backbone'", "'bakbone'"),
        config='optim_wrapper = dict(constructor=None,\n'
        '    paramwise_cfg=dict(custom_keys=dict(bakbone=dict(lr_mult=0.1))))',
        silent='the backbone has the whole rate',
    ),
    # --- parts of the model -------------------------------------------------------------------------------------------
    Fault(
        name='the neck of another backbone', task='detection', rule='neck-channels', where=': model.neck.in_channels',
        says=('[96, 192, 384]', '[32, 64, 128]', 'model.neck.in_channels=[32, 64, 128]'),
        config='model = dict(neck=dict(in_channels=[96, 192, 384]))',
    ),
    Fault(
        name='one level more than the neck takes', task='detection', rule='neck-channels',
        where=': model.neck.in_channels', says=('4 levels of [32, 64, 128, 256]', 'out_indices'),
        config='model = dict(backbone=dict(out_indices=(0, 1, 2, 3)))',
    ),
    Fault(
        name='the head of another backbone', task='segmentation', rule='head-channels',
        where=': model.decode_head.in_channels', says=('[96, 192, 384, 768]', '[32, 64, 128, 256]'),
        config='model = dict(decode_head=dict(in_channels=[96, 192, 384, 768]))',
    ),
    Fault(
        name='a level that the backbone does not give', task='segmentation', rule='head-levels',
        where=': model.decode_head.in_index', says=('3 levels of [32, 64, 128]', '0 to 2'),
        config='model = dict(backbone=dict(out_indices=(0, 1, 2)))',
    ),
    Fault(
        name='a pyramid with one level too many for the anchors', task='detection', rule='head-strides',
        where=': model.rpn_head.anchor_generator.strides', says=('[4, 8, 16]', '[4, 8, 16, 32]', 'num_outs=3'),
        config='model = dict(neck=dict(num_outs=4))',
    ),
    Fault(
        name='regions cut at the strides of another pyramid', task='detection', rule='region-strides',
        silent='features come from half the place in the image',
        where=': model.roi_head.bbox_roi_extractor.featmap_strides', says=('[8, 16, 32]', '[4, 8, 16]'),
        config='model = dict(roi_head=dict(bbox_roi_extractor=dict(featmap_strides=[8, 16, 32])))',
    ),
    Fault(
        name='a box head as wide as another pyramid', task='detection', rule='head-channels',
        where=': model.roi_head.bbox_head.in_channels', says=('256', '64'),
        config='model = dict(roi_head=dict(bbox_head=dict(in_channels=256)))',
    ),
    Fault(
        name='a pyramid on maps of one stride', task='detection', rule='fpn-strides', where=': model.neck.type',
        says=('[16, 16, 16, 16]', 'SimpleFeaturePyramid'), config=_ONE_MAP,
    ),
    Fault(
        name='out_indices beyond the last stage', task='segmentation', rule='cannot-build', where=': model.backbone',
        says=('out_indices', '0 to 3'), config='model = dict(backbone=dict(out_indices=(1, 2, 3, 4)))',
    ),
    Fault(
        name='means of three channels for one', task='segmentation', rule='image-channels',
        where=': model.data_preprocessor.mean', says=('3 values', '1 channels'),
        config='model = dict(backbone=dict(in_channels=1))',
    ),
]  # fmt: skip
