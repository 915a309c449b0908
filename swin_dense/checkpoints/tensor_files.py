"""Safetensors files: tensors and a header of text, and nothing that could run.

The header of what this package writes has one entry, `swin_dense`, with all that a checkpoint says about itself, as
JSON; the file then reads like a checkpoint.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

_ENTRY = 'swin_dense'


def read_safetensors(path: Path, device: str) -> dict[str, Any]:
    """The tensors by name; if this package wrote the file, a dict of `meta` and, as `state_dict`, those tensors."""
    from safetensors import safe_open

    with safe_open(path, framework='pt', device=device) as file:
        header = file.metadata() or {}
        tensors = OrderedDict((name, file.get_tensor(name)) for name in file.keys())  # noqa: SIM118 - not a dict
    if _ENTRY not in header:
        return tensors
    said = json.loads(header[_ENTRY])
    # names in the order of the model, not of the file; and the versions of its modules, by which old ones are renamed
    tensors = OrderedDict((name, tensors[name]) for name in said['names'])
    tensors._metadata = OrderedDict(said['module_versions'])  # type: ignore[attr-defined]
    return {'meta': said['meta'], 'state_dict': tensors}


def safetensors_bytes(tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> bytes:
    """A file of tensors, and of what is known of them in plain values. Equal values give equal bytes."""
    from safetensors.torch import save

    said = {'meta': meta, 'names': list(tensors), 'module_versions': getattr(tensors, '_metadata', {})}
    # copied, as the format has no tensors that share memory
    separate = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    return save(separate, {_ENTRY: json.dumps(said, sort_keys=True)})
