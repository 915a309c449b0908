"""UPerNet on maps of one stride: mmseg's MultiLevelNeck makes four strides of them; the auxiliary head is on the last.

Source: mmseg's upernet_vit-b16_ln_mln.py.
Open: backbone, neck.in_channels and out_channels, {decode_head,auxiliary_head}.in_channels and num_classes.
"""

_base_ = ['upernet.py']
model = dict(neck=dict(type='MultiLevelNeck', scales=[4, 2, 1, 0.5]), auxiliary_head=dict(in_index=3))
