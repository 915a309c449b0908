_base_ = [
    '../_base_/models/retinanet_fpn.py',
    '../_base_/backbones/swin_tiny.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/adamw_12_epochs.py',
    '../_base_/runtime.py',
]
# no official recipe: that of Mask R-CNN 1x; masks are loaded and unused, so that both see the same images
model = dict(
    backbone=dict(_base_.backbone, drop_path_rate=0.1, out_indices=(1, 2, 3)),
    neck=dict(in_channels=_base_.pyramid_channels[1:]),
    bbox_head=dict(num_classes=_base_.num_classes),
)
val_evaluator = dict(metric=['bbox'])
test_evaluator = val_evaluator
