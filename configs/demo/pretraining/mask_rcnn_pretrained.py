"""The demo detector on a backbone that was pretrained as a classifier: one line."""

_base_ = ['../mask_rcnn_swin_demo.py']
classifier = '{{$SWIN_DENSE_DEMO:demo}}/classifier/iter_800.pth'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier)))
