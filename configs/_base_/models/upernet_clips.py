"""UPerNet on the frames of clips. Open: what upernet.py leaves open; frames_per_clip of model and neck; the neck's
in_channels and temporal_stride.
"""

_base_ = ['upernet.py']
model = dict(
    type='swin_dense.ClipSegmentor',
    data_preprocessor=dict(type='swin_dense.ClipSegDataPreProcessor'),
    neck=dict(type='swin_dense.FrameMaps'),
)
