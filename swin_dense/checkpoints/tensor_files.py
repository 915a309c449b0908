"""Safetensors files: tensors and a header of text, and nothing that could run.

The header of what this package writes has one entry, `swin_dense`, with all that a checkpoint says about itself, as
JSON; the file then reads like a checkpoint.
"""

import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import MMLogger
from torch import Tensor

_ENTRY = 'swin_dense'
# of the entry in the bytes of a header: more than one, so that a byte that changed does not hide it
_SIGNS = (f'"{_ENTRY}":'.encode(), b'\\"module_versions\\":', b'\\"names\\":')


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as this format does, whatever it is called: the length of a header, and its brace."""
    with open(path, 'rb') as file:
        start = file.read(9)
    return start[8:] == b'{' and 8 + int.from_bytes(start[:8], 'little') <= path.stat().st_size


def is_of_this_package(path: Path) -> bool:
    """Whether a safetensors file, perhaps a damaged one, has the entry of this package in its header."""
    if not is_safetensors(path):
        return False
    with open(path, 'rb') as file:
        header = file.read(int.from_bytes(file.read(8), 'little'))
    return any(sign in header for sign in _SIGNS)


def read_safetensors(path: Path) -> dict[str, Any]:
    """The tensors by name; if this package wrote the file, a dict of `meta` and, as `state_dict`, those tensors."""
    from safetensors import safe_open

    with safe_open(path, framework='pt') as file:
        header = file.metadata() or {}
        tensors = OrderedDict((name, file.get_tensor(name)) for name in file.keys())  # noqa: SIM118 - not a dict
    if _ENTRY not in header:
        return tensors
    said = _what_is_said(header[_ENTRY], tensors)
    if said is None:
        MMLogger.get_current_instance().warning(
            f'{path}: only its tensors are read, as its header {_ENTRY!r} is not one that this package writes'
        )
        return tensors
    # names in the order of the model, not of the file; and the versions of its modules, by which old ones are renamed
    tensors = OrderedDict((name, tensors[name]) for name in said['names'])
    tensors._metadata = OrderedDict(said['module_versions'])  # type: ignore[attr-defined]
    return {'meta': said['meta'], 'state_dict': tensors}


def _what_is_said(text: str, names: Collection[str]) -> dict[str, Any] | None:
    """The entry of the header, if it is of the kind that `safetensors_bytes` writes."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    kinds = {'meta': dict, 'names': list, 'module_versions': dict}
    is_whole = all(isinstance(said.get(key), kind) for key, kind in kinds.items())
    if not is_whole or not isinstance(said['meta'].get('dataset_meta', {}), dict):
        return None
    if not all(isinstance(versions, dict) for versions in said['module_versions'].values()):
        return None
    is_of_these = all(isinstance(name, str) for name in said['names']) and sorted(said['names']) == sorted(names)
    return said if is_of_these else None


def plain_values(value: Any) -> Any:
    """A value as JSON has it: arrays and tensors as lists, and as text what it has no kind for."""
    if isinstance(value, Mapping):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return plain_values(value.tolist())
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def safetensors_bytes(tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> bytes:
    """A file of tensors, and of what is known of them, as plain values. Equal values give equal bytes."""
    from safetensors.torch import save

    said = {'meta': plain_values(meta), 'names': list(tensors), 'module_versions': getattr(tensors, '_metadata', {})}
    # copied, as the format has no tensors that share memory
    separate = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    return save(separate, {_ENTRY: json.dumps(said, sort_keys=True)})
