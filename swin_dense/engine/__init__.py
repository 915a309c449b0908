"""Training and testing: the runner, its loops, hooks, optimiser wrappers and metrics."""

from swin_dense.engine.checkpoint_hook import CheckpointHook
from swin_dense.engine.interrupts import Interrupted, InterruptHook
from swin_dense.engine.loops import EpochTrainLoop, IterTrainLoop
from swin_dense.engine.metrics_hook import MetricsHook
from swin_dense.engine.non_finite import NonFiniteHook
from swin_dense.engine.optim import AutocastOptimWrapper, OptimWrapper
from swin_dense.engine.overlay_hook import OverlayHook
from swin_dense.engine.parameter_groups import ParameterGroups
from swin_dense.engine.progress_hook import ProgressHook
from swin_dense.engine.runner import Runner
from swin_dense.engine.skipped_files_hook import SkippedFilesHook
from swin_dense.engine.start_log import StartLogHook

__all__ = [
    'AutocastOptimWrapper',
    'CheckpointHook',
    'EpochTrainLoop',
    'InterruptHook',
    'Interrupted',
    'IterTrainLoop',
    'MetricsHook',
    'NonFiniteHook',
    'OptimWrapper',
    'OverlayHook',
    'ParameterGroups',
    'ProgressHook',
    'Runner',
    'SkippedFilesHook',
    'StartLogHook',
]
