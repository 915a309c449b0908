"""What the reference implementations computed: weights and inputs by the formula of tests/golden/README.md."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / 'golden'


def reference(name: str) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Everything about golden file `name` (no suffix): meta, state_dict, inputs, arrays.

    `state_dict` has the reference's own keys, its index and mask buffers included; `arrays` are its outputs.
    """
    with np.load(FOLDER / f'{name}.npz') as file:
        arrays = {key: file[key] for key in file.files}
    meta = json.loads(str(arrays.pop('meta')))
    salt = meta['salt']
    state_dict = {key: parameter(salt, key, shape) for key, shape in meta['state_shapes'].items()}
    buffers = [key for key in arrays if key.startswith('buffer/')]
    state_dict.update({key.removeprefix('buffer/'): torch.from_numpy(arrays.pop(key)) for key in buffers})
    inputs = {key: draw(salt, key, shape) for key, shape in meta['inputs'].items()}
    return meta, state_dict, inputs, {key: torch.from_numpy(array) for key, array in arrays.items()}


def draw(salt: str, name: str, shape: Sequence[int]) -> Tensor:
    generator = np.random.RandomState(zlib.crc32((salt + name).encode()))
    return torch.from_numpy(generator.standard_normal(tuple(shape)).astype(np.float32))


def parameter(salt: str, name: str, shape: Sequence[int]) -> Tensor:
    """Far from any initial value, so that a swapped, skipped or transposed parameter shows."""
    noise = draw(salt, name, shape)
    if name.endswith('relative_position_bias_table'):
        return noise * 0.5
    if name.endswith(('pos_embed', 'cls_token')):
        return noise * 0.3
    if 'running_var' in name:
        return 1 + noise.abs() * 0.3
    if len(shape) == 1:
        return 1 + 0.2 * noise if name.endswith('weight') else 0.1 * noise
    return noise / np.float32(np.sqrt(np.prod(shape[1:])))
