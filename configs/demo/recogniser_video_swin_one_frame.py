_base_ = ['recogniser_video_swin_demo.py']
pipeline = [
    dict(type='swin_dense.DecodeClips', clip_length=1, test_mode=False),
    dict(type='swin_dense.PackClips'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=[dict(pipeline[0], test_mode=True), pipeline[1]]))
test_dataloader = val_dataloader
