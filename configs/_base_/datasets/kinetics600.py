"""Kinetics-600, prepared as Kinetics-400. KINETICS600_ROOT says where the data lies.

Source: configs/recognition/swin of SwinTransformer/Video-Swin-Transformer.
"""

_base_ = ['kinetics400.py']
data_root = '{{$KINETICS600_ROOT:data/kinetics600}}/'
num_classes = 600
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
