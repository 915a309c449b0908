"""Mask R-CNN with narrow heads and few anchors and regions: one that learns in minutes on a CPU.

Open: backbone, neck.in_channels, roi_head.{bbox_head,mask_head}.num_classes.
"""

_base_ = ['mask_rcnn_fpn.py']
# strides 4, 8, 16: nothing in the demo data is larger than the regions of stride 16
regions = dict(out_channels=64, featmap_strides=[4, 8, 16], finest_scale=28)
model = dict(
    neck=dict(out_channels=64, num_outs=3),
    rpn_head=dict(
        in_channels=64,
        feat_channels=64,
        anchor_generator=dict(scales=[4, 6], ratios=[1.0], strides=[4, 8, 16]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2), **regions),
        bbox_head=dict(in_channels=64, fc_out_channels=256, reg_class_agnostic=True),
        mask_roi_extractor=dict(roi_layer=dict(sampling_ratio=1), **regions),
        mask_head=dict(num_convs=2, in_channels=64, conv_out_channels=32),
    ),
    train_cfg=dict(
        rpn=dict(assigner=dict(pos_iou_thr=0.6), sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=256, max_per_img=128),
        rcnn=dict(
            assigner=dict(pos_iou_thr=0.6, neg_iou_thr=0.6, min_pos_iou=0.6),
            sampler=dict(num=32, pos_fraction=0.5),
        ),
    ),
    test_cfg=dict(rpn=dict(nms_pre=256, max_per_img=64), rcnn=dict(max_per_img=50)),
)
