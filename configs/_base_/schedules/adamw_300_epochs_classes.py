"""Swin on ImageNet-1K: 300 epochs x 1.281 M images / batch 1024 = 375k iterations, a cosine after 20 epochs of warm-up.

Source: config.py of microsoft/Swin-Transformer@f82860b; without the prefix that it had from SwinV2 on.
"""

train_cfg = dict(type='swin_dense.EpochTrainLoop', max_epochs=300, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='swin_dense.OptimWrapper',
    # no decay on biases and norms, bias tables, position embeddings and the class token
    constructor='swin_dense.ParameterGroups',
    paramwise_cfg=dict(no_decay_on_vectors=True),
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
)
auto_scale_lr = dict(enable=True, base_batch_size=1024)  # 8 GPUs x 128; 5e-4 for 512
param_scheduler = [
    # from 5e-7 and to 5e-6 for 512, which are scaled as the rate is
    dict(
        type='swin_dense.WarmupCosineLR',
        warmup=20,
        end=300,
        warmup_ratio=1e-3,
        min_ratio=1e-2,
        lag=1,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(
    checkpoint=dict(type='swin_dense.CheckpointHook', interval=1, max_keep_ckpts=2, save_best='acc/top1'),
    logger=dict(type='LoggerHook', interval=50),
)
