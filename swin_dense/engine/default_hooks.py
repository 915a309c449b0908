"""The hooks that every run has, by their names in `default_hooks`, which change them or take them out."""

# what this package adds to mmengine's
ADDED_HOOKS = {
    'metrics': 'swin_dense.MetricsHook',
    'progress': 'swin_dense.ProgressHook',
    'non_finite': 'swin_dense.NonFiniteHook',
    'interrupt': 'swin_dense.InterruptHook',
    'start_log': 'swin_dense.StartLogHook',
    'skipped_files': 'swin_dense.SkippedFilesHook',
}
# what it puts in the place of mmengine's, or asks of them
OWN_HOOKS = {**ADDED_HOOKS, 'checkpoint': 'swin_dense.CheckpointHook', 'logger': 'LoggerHook'}
MMENGINE_HOOKS = {
    'runtime_info': 'RuntimeInfoHook',
    'timer': 'IterTimerHook',
    'sampler_seed': 'DistSamplerSeedHook',
    'logger': 'LoggerHook',
    'param_scheduler': 'ParamSchedulerHook',
    'checkpoint': 'CheckpointHook',
}
DEFAULT_HOOKS = {**MMENGINE_HOOKS, **OWN_HOOKS}
