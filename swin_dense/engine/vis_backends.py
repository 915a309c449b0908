"""What a visualizer writes to: only where the package for it is installed."""

import importlib
from typing import Any


def without_tensorboard_if_missing(visualizer: Any) -> tuple[Any, str]:
    """Give the visualizer of a config without the TensorBoard that cannot be imported, and a note that says so, or ''.

    Curves are in metrics.jsonl, too: training need not end for the want of a second place.
    """
    backends = visualizer.get('vis_backends') if isinstance(visualizer, dict) else None
    kept = [each for each in backends or () if not str(each.get('type')).endswith('TensorboardVisBackend')]
    if len(kept) == len(backends or ()):
        return visualizer, ''
    try:
        importlib.import_module('torch.utils.tensorboard')
    except ImportError as error:
        note = f'no curves for TensorBoard: {error} (pip install tensorboard); metrics.jsonl has the same values'
        return {**visualizer, 'vis_backends': kept}, note
    return visualizer, ''
