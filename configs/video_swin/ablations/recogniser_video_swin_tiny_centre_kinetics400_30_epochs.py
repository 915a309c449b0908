_base_ = ['../recogniser_video_swin_tiny_kinetics400_30_epochs.py']
model = dict(backbone=dict(inflation='centre'))
