"""ShiftViT-S with expand ratio 4: 52 M parameters, 8.5 G multiply-adds at 224 x 224.

Its weights were never released.
"""

backbone = dict(type='swin_dense.ShiftViT', arch='r4_small')
pyramid_channels = [96, 192, 384, 768]
