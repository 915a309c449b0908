"""ViTDet: 184,375 iterations x batch 64 / 118k images = 100 epochs, learning rate / 10 after epochs 88 and 96.

Rates fall by 0.7 from block to block towards the input.
Source: projects/ViTDet/configs/COCO/mask_rcnn_vitdet_b_100ep.py of facebookresearch/detectron2@13a99ca (with fp16).
"""

max_iters = 184_375
train_cfg = dict(type='swin_dense.IterTrainLoop', max_iters=max_iters, val_interval=36_875)  # every 20 epochs
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='swin_dense.OptimWrapper',
    # no decay on norms and position embeddings
    constructor='swin_dense.ParameterGroups',
    paramwise_cfg=dict(layer_decay=0.7),
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.1),
)
auto_scale_lr = dict(enable=True, base_batch_size=64)  # lr is for 64 and follows the real batch
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=251),  # factor 1e-3 at iteration 0, 1 at 250
    # 88 x 118k / 64 = 163k, 96 x 118k / 64 = 177k
    dict(type='MultiStepLR', by_epoch=False, begin=0, end=max_iters, milestones=[163_889, 177_546], gamma=0.1),
]
default_hooks = dict(
    checkpoint=dict(type='swin_dense.CheckpointHook', by_epoch=False, interval=3125, max_keep_ckpts=2),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
)
