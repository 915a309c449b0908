"""ADE20K: 160k iterations x batch 16 / 20,210 images = 127 epochs, learning rate linear to 0 after a warm-up of 1500.

Source: configs/swin of SwinTransformer/Swin-Transformer-Semantic-Segmentation@87e6f90.
"""

train_cfg = dict(type='swin_dense.IterTrainLoop', max_iters=160_000, val_interval=16_000)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='swin_dense.OptimWrapper',
    # no decay on norms, bias tables and position embeddings
    constructor='swin_dense.ParameterGroups',
    optimizer=dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
)
auto_scale_lr = dict(enable=True, base_batch_size=16)  # 8 GPUs x 2 images; lr is for 16 and follows the real batch
param_scheduler = [
    # factor 1e-6 at iteration 0, 1 at 1500
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1501),
    # from iteration 0, as officially: both factors apply during warm-up; 1 - i / 160000 at iteration i
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=0, end=160_001),
]
default_hooks = dict(
    checkpoint=dict(type='swin_dense.CheckpointHook', by_epoch=False, interval=16_000, max_keep_ckpts=2),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
)
