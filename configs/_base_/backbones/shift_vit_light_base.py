"""ShiftViT-B light, Swin-B's depths: 60 M parameters, 10.2 G multiply-adds at 224 x 224.

Its weights were never released.
"""

backbone = dict(type='swin_dense.ShiftViT', arch='light_base')
pyramid_channels = [128, 256, 512, 1024]
