"""SGD with momentum, as detectors with ResNets were trained, on the schedule of adamw_demo_short.py."""

_base_ = ['adamw_demo_short.py']
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=10.0),
)
