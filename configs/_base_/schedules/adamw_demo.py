"""AdamW, a short warm-up, then a cosine to zero: minutes on two cores."""

train_cfg = dict(type='swin_dense.IterTrainLoop', max_iters=400, val_interval=400)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='swin_dense.OptimWrapper',
    constructor='swin_dense.ParameterGroups',
    optimizer=dict(type='AdamW', lr=2e-3, betas=(0.9, 0.999), weight_decay=0.05),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=50, end=400, eta_min=0.0),
]
default_hooks = dict(
    checkpoint=dict(type='swin_dense.CheckpointHook', by_epoch=False, interval=100, max_keep_ckpts=2),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
)
