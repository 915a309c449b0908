"""DeiT on ImageNet-1K: as ShiftViT's, with 5 epochs of warm-up. Source: main.py of facebookresearch/deit@7e160fe."""

_base_ = ['adamw_300_epochs_classes_repeated.py']
param_scheduler = [dict(_base_.param_scheduler[0], warmup=5)]
