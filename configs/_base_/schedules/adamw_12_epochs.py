"""COCO 1x: 12 epochs x 118k images / batch 16 = 88k iterations, learning rate / 10 after epochs 8 and 11.

Source: configs/swin of SwinTransformer/Swin-Transformer-Object-Detection@c7b2011.
"""

train_cfg = dict(type='swin_dense.EpochTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='swin_dense.OptimWrapper',
    # no decay on norms, bias tables and position embeddings
    constructor='swin_dense.ParameterGroups',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.05),
)
auto_scale_lr = dict(enable=True, base_batch_size=16)  # 8 GPUs x 2 images; lr is for 16 and follows the real batch
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=501),  # factor 1e-3 at iteration 0, 1 at 500
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=12, milestones=[8, 11], gamma=0.1),
]
default_hooks = dict(
    checkpoint=dict(type='swin_dense.CheckpointHook', interval=1, max_keep_ckpts=2),
    logger=dict(type='LoggerHook', interval=50),
)
