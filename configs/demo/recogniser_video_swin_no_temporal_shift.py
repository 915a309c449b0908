_base_ = ['recogniser_video_swin_demo.py']
model = dict(backbone=dict(temporal_shift=False))
