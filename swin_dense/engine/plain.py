"""Training state as tensors and plain Python values, so that `torch.load(weights_only=True)` reads a checkpoint.

What else a state holds (functions of a scheduler, objects of a hook) is left out and named.
"""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

KEPT_HISTORY = 1000  # values of each logged scalar; smoothing windows are far shorter

_LEFT_OUT = object()


def plain(value: Any, *, where: str, left_out: list[str]) -> Any:
    """Convert `value` to tensors on the CPU, dicts, lists, tuples, strings and numbers.

    `where` names the value; what cannot be converted is dropped from its container and its name appended to `left_out`.
    """
    converted = _convert(value, where, left_out)
    return None if converted is _LEFT_OUT else converted


def _convert(value: Any, where: str, left_out: list[str]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str, bytes, torch.dtype)):
        return _without_subclass(value)
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value)) if value.dtype.kind in 'biuf' else value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return _convert_mapping(value, where, left_out)
    if isinstance(value, (list, tuple)):
        items = [_convert(item, f'{where}[{i}]', left_out) for i, item in enumerate(value)]
        items = [None if item is _LEFT_OUT else item for item in items]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, HistoryBuffer):
        return pack_history(value)
    left_out.append(f'{where} ({type(value).__name__})')
    return _LEFT_OUT


def _without_subclass(value: Any) -> Any:
    kinds: tuple[type, ...] = (bool, int, float, str, bytes)
    return next((kind(value) for kind in kinds if isinstance(value, kind)), value)


def _convert_mapping(value: Mapping, where: str, left_out: list[str]) -> dict:
    # a model's state dict carries the versions of its modules as an attribute: old files are renamed by them when read
    versions = getattr(value, '_metadata', None)
    result: dict = OrderedDict() if versions is not None else {}
    for key, item in value.items():
        converted = _convert(item, f'{where}.{key}', left_out)
        if converted is not _LEFT_OUT:
            result[_without_subclass(key)] = converted
    if versions is not None:
        result._metadata = OrderedDict(versions)  # type: ignore[attr-defined]
    return result


def pack_history(history: HistoryBuffer) -> dict:
    """Give the latest values of a logged scalar as tensors; `unpack_history` is the inverse."""
    values, counts = history.data
    return {
        'history_values': torch.tensor(np.asarray(values[-KEPT_HISTORY:], dtype=np.float64)),
        'history_counts': torch.tensor(np.asarray(counts[-KEPT_HISTORY:], dtype=np.float64)),
    }


def unpack_history(packed: dict) -> HistoryBuffer:
    values, counts = packed['history_values'].cpu().numpy(), packed['history_counts'].cpu().numpy()
    return HistoryBuffer(values, counts, max_length=KEPT_HISTORY)


def unpack_message_hub(state: dict) -> dict:
    """Turn the packed histories of a stored message hub into the objects that mmengine expects."""
    scalars = {
        name: unpack_history(value) if isinstance(value, dict) and 'history_values' in value else value
        for name, value in state['log_scalars'].items()
    }
    present = scalars.keys() | state['runtime_info'].keys()
    resumed_keys = {name: flag for name, flag in state['resumed_keys'].items() if flag and name in present}
    return {'log_scalars': scalars, 'runtime_info': state['runtime_info'], 'resumed_keys': resumed_keys}
