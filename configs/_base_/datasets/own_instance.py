"""Your own boxes and masks, in COCO json: own_detection.py with the masks."""

_base_ = ['own_detection.py']
train_pipeline = [dict(step, with_mask=True) if 'with_bbox' in step else step for step in _base_.train_pipeline]
test_pipeline = [dict(step, with_mask=True) if 'with_bbox' in step else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator
