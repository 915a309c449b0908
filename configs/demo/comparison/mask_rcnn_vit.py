_base_ = [
    '../../_base_/models/mask_rcnn_demo.py',
    '../../_base_/backbones/vit_demo.py',
    '../../_base_/datasets/demo_instance.py',
    '../../_base_/schedules/adamw_demo_short.py',
    '../../_base_/runtime.py',
]
channels = _base_.pyramid_channels[:3]
model = dict(
    backbone=dict(_base_.backbone, image_size=(144, 192), out_indices=(1, 2, 3)),
    neck=[
        # its three maps of stride 8 become maps of strides 4, 8 and 16; then the pyramid of the others
        dict(type='mmseg.MultiLevelNeck', scales=[2, 1, 0.5], in_channels=channels, out_channels=channels[-1]),
        dict(_base_.model.neck, in_channels=channels),
    ],
    roi_head=dict(bbox_head=dict(num_classes=len(_base_.classes)), mask_head=dict(num_classes=len(_base_.classes))),
)
