"""UPerNet on the frames of clips, with a narrow head and no auxiliary one. Most pixels are of the first class."""

_base_ = ['upernet_clips.py']
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(
        channels=32,
        in_index=[0, 1],
        pool_scales=(1, 2),
        loss_decode=dict(class_weight=[0.1, 1.0, 1.0]),
    ),
    auxiliary_head=None,
)
