"""SGD, 90 epochs x 1.281 M images / batch 256 = 450k iterations, a tenth of the rate after 30 and 60 epochs.

Source: He et al., 2015, as references/classification of torchvision.
"""

train_cfg = dict(type='swin_dense.EpochTrainLoop', max_epochs=90, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='swin_dense.OptimWrapper',
    constructor='swin_dense.ParameterGroups',
    paramwise_cfg=dict(decay_all=True),
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
)
auto_scale_lr = dict(enable=True, base_batch_size=256)  # 8 GPUs x 32
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, begin=0, end=90, milestones=[30, 60], gamma=0.1)]
default_hooks = dict(
    checkpoint=dict(type='swin_dense.CheckpointHook', interval=1, max_keep_ckpts=2, save_best='acc/top1'),
    logger=dict(type='LoggerHook', interval=50),
)
