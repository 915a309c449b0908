"""Hybrid Task Cascade (Chen et al., 2019) on a feature pyramid, as HTC++ of the Swin paper (appendix A2.2).

No config of it was released. Its 160 M parameters with Swin-B and 284 M with Swin-L fit these heads alone: four
convolutions and one layer, boxes for all classes together, and the branch for stuff; they are those of
czczup/ViT-Adapter@43aa98e, detection/configs/htc++. The rest is mmdet's htc_r50_fpn_1x_coco.py.

Left out: InstaBoost, which needs a package of its own, and the layer of global attention after the last stage (12.6 M
parameters with Swin-B, 28.3 M with Swin-L).

Open: backbone, neck.in_channels, num_classes of each of roi_head.bbox_head and roi_head.mask_head.
"""

_base_ = ['mask_rcnn_fpn.py']
box_stds = [(0.1, 0.1, 0.2, 0.2), (0.05, 0.05, 0.1, 0.1), (0.033, 0.033, 0.067, 0.067)]
bbox_heads = [
    dict(
        type='Shared4Conv1FCBBoxHead',
        in_channels=256,
        fc_out_channels=1024,
        roi_feat_size=7,
        bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_means=[0.0] * 4, target_stds=list(stds)),
        reg_class_agnostic=True,
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
        loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
    )
    for stds in box_stds
]
mask_heads = [
    dict(
        type='HTCMaskHead',
        with_conv_res=with_conv_res,  # of the mask features of the stage before
        num_convs=4,
        in_channels=256,
        conv_out_channels=256,
        loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.0),
    )
    for with_conv_res in (False, True, True)
]
rcnn_stages = [
    dict(
        assigner=dict(
            type='MaxIoUAssigner',
            pos_iou_thr=threshold,
            neg_iou_thr=threshold,
            min_pos_iou=threshold,
            ignore_iof_thr=-1,
        ),
        sampler=dict(type='RandomSampler', num=512, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True),
        mask_size=28,
        pos_weight=-1,
        debug=False,
    )
    for threshold in (0.5, 0.6, 0.7)
]
model = dict(
    type='HybridTaskCascade',
    data_preprocessor=dict(pad_seg=True),
    rpn_head=dict(loss_bbox=dict(type='SmoothL1Loss', beta=1 / 9)),
    roi_head=dict(
        type='HybridTaskCascadeRoIHead',
        interleaved=True,
        mask_info_flow=True,
        num_stages=3,
        stage_loss_weights=[1, 0.5, 0.25],
        bbox_head=bbox_heads,
        mask_head=mask_heads,
        semantic_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[8],
        ),
        semantic_head=dict(
            type='FusedSemanticHead',
            num_ins=5,
            fusion_level=1,
            seg_scale_factor=1 / 8,
            num_convs=4,
            in_channels=256,
            conv_out_channels=256,
            num_classes=183,  # things and stuff of COCO
            loss_seg=dict(type='CrossEntropyLoss', ignore_index=255, loss_weight=0.2),
        ),
    ),
    train_cfg=dict(rpn=dict(allowed_border=0), rpn_proposal=dict(max_per_img=2000), rcnn=rcnn_stages),
    test_cfg=dict(rcnn=dict(score_thr=0.001, nms=dict(type='soft_nms', iou_threshold=0.5))),
)
