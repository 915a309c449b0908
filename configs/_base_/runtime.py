"""Runner and logs of every experiment. The runner adds the rest: metrics.jsonl, progress bar, start log, stops."""

runner_type = 'swin_dense.Runner'
randomness = dict(seed=0)
env_cfg = dict(mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
visualizer = dict(type='Visualizer', vis_backends=vis_backends)
