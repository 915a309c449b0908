"""For tools/test.py: 6 sizes, each as it is and flipped, probabilities averaged."""

_base_ = ['upernet_deit_base_ade20k_160k.py']
model = dict(_delete_=True, type='SegTTAModel', module=_base_.model)  # around the whole model
test_dataloader = dict(dataset=dict(pipeline=_base_.multi_scale_flip_pipeline))
