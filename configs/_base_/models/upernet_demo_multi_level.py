"""The demo's UPerNet on plain ViT's maps, all of one stride. Open: as upernet_demo.py, and the neck's channels."""

_base_ = ['upernet_demo.py']
model = dict(neck=dict(type='MultiLevelNeck', scales=[2, 1, 0.5, 0.25]))
