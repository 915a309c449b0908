_base_ = [
    '../_base_/models/mask_rcnn_demo.py',
    '../_base_/backbones/swin_demo.py',
    '../_base_/datasets/demo_instance.py',
    '../_base_/schedules/adamw_demo.py',
    '../_base_/runtime.py',
]
# from scratch a detector needs more than the minutes of a demo: the backbone starts from the segmentor's
segmentor = '{{$SWIN_DENSE_DEMO:demo}}/segmentation/iter_300.pth'
model = dict(
    backbone=dict(_base_.backbone, out_indices=(0, 1, 2), init_cfg=dict(type='Pretrained', checkpoint=segmentor)),
    neck=dict(in_channels=_base_.pyramid_channels[:3]),
    roi_head=dict(bbox_head=dict(num_classes=len(_base_.classes)), mask_head=dict(num_classes=len(_base_.classes))),
)
custom_hooks = [dict(type='swin_dense.OverlayHook', visualizer=dict(type='DetLocalVisualizer'))]
