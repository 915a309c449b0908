"""Mask R-CNN on the simple pyramid of ViTDet (Li et al., 2022): two convolutions in the RPN, four in the box head, LN.

Source: configs/common/models/mask_rcnn_vitdet.py of facebookresearch/detectron2@13a99ca.

Open: backbone, neck.in_channels, roi_head.{bbox_head,mask_head}.num_classes.
"""

_base_ = ['mask_rcnn_fpn.py']
norm = dict(type='swin_dense.ChannelNorm', eps=1e-6)
model = dict(
    neck=dict(type='swin_dense.SimpleFeaturePyramid'),
    rpn_head=dict(num_convs=2),
    roi_head=dict(
        bbox_head=dict(type='Shared4Conv1FCBBoxHead', conv_out_channels=256, norm_cfg=norm),
        mask_head=dict(norm_cfg=norm),
    ),
    # detectron2 takes no box below the threshold as positive, mmdet's Mask R-CNN does
    train_cfg=dict(rcnn=dict(assigner=dict(match_low_quality=False))),
)
