"""ShiftViT-B (expand ratio 2): 89 M parameters, 15.5 G multiply-adds at 224 x 224.

Its ImageNet weights were never released: pretrain one, and name its file in init_cfg.
"""

backbone = dict(type='swin_dense.ShiftViT', arch='base')
pyramid_channels = [128, 256, 512, 1024]
