"""ShiftViT-T with expand ratio 4: 31 M parameters, 4.6 G multiply-adds at 224 x 224.

Its weights were never released.
"""

backbone = dict(type='swin_dense.ShiftViT', arch='r4_tiny')
pyramid_channels = [96, 192, 384, 768]
