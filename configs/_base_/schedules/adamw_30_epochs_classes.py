"""Fine-tuning of Swin, from ImageNet-22K or to 384 x 384: 30 epochs x 1.281 M images / batch 1024 = 37.5k iterations.

Source: the *_finetune.yaml of microsoft/Swin-Transformer@f82860b.
"""

_base_ = ['adamw_300_epochs_classes.py']
max_epochs = 30
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=4e-5, weight_decay=1e-8))  # 2e-5 for 512
param_scheduler = [dict(_base_.param_scheduler[0], warmup=5, end=max_epochs)]
