"""SGD with momentum in 500 iterations, the CNN's way."""

_base_ = ['adamw_demo_arrangements_short.py']
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4),
)
