_base_ = [
    '../_base_/models/classifier_mixed.py',
    '../_base_/backbones/deit_base.py',
    '../_base_/datasets/imagenet1k_384.py',
    '../_base_/schedules/adamw_30_epochs_classes_384.py',
    '../_base_/runtime.py',
]
model = dict(
    backbone=dict(
        _base_.backbone,
        out_indices=(11,),
        final_norm=True,
        class_token_level=True,
        drop_path_rate=0.1,
        image_size=384,
        init_cfg=None,
    ),
    cls_head=dict(in_channels=_base_.pyramid_channels[-1], num_classes=_base_.num_classes),
    init_cfg=_base_.backbone['init_cfg'],  # of 224 x 224, its position embedding resized
)
