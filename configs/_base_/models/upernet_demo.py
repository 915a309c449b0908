"""UPerNet with a narrow head and no auxiliary one. Open: backbone, decode_head.in_channels, decode_head.num_classes."""

_base_ = ['upernet.py']
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(channels=48, loss_decode=dict(avg_non_ignore=True)),
    auxiliary_head=None,
)
