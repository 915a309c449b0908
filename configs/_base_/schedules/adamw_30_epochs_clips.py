"""Kinetics: 30 epochs, a cosine to 0 after a warm-up of 2.5; the backbone learns at a tenth. For Swin-S and -B.

Source: configs/recognition/swin of SwinTransformer/Video-Swin-Transformer. There, too, the weights change after 8
batches (4 for Swin-T): 64 clips a step are 512 a change of the weights; the paper's "batch 64" is one step.
"""

train_cfg = dict(type='swin_dense.EpochTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='swin_dense.OptimWrapper',
    # no decay on norms and bias tables
    constructor='swin_dense.ParameterGroups',
    paramwise_cfg=dict(lr_mult=dict(backbone=0.1)),
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05),
    accumulative_counts=8,
)
auto_scale_lr = dict(enable=True, base_batch_size=512)  # 8 GPUs x 8 clips x 8 steps
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=2.5, convert_to_iter_based=True),
    # a step of the cosine after each epoch; both factors apply during warm-up, as officially
    dict(type='CosineAnnealingLR', by_epoch=True, begin=0, end=30, T_max=30, eta_min=0.0),
]
default_hooks = dict(
    checkpoint=dict(type='swin_dense.CheckpointHook', interval=1, max_keep_ckpts=2, save_best='acc/top1'),
    logger=dict(type='LoggerHook', interval=50),
)
