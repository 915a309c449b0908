"""ShiftViT-B with expand ratio 4: 87 M parameters, 15.1 G multiply-adds at 224 x 224.

Its weights were never released.
"""

backbone = dict(type='swin_dense.ShiftViT', arch='r4_base')
pyramid_channels = [128, 256, 512, 1024]
