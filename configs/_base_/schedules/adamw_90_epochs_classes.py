"""ShiftViT's recipe in 90 epochs: a stop on the road from the CNN's scheme to the transformer's."""

_base_ = ['adamw_300_epochs_classes_repeated.py']
max_epochs = 90
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]
