"""What places store differently, and the ways back: order within merged patches, split q, k, v, computed tables.

State dicts here have this package's names. A tensor of an unexpected shape stays as it is: the loader will refuse it.
"""

import re
from math import isqrt

import torch
from torch import Tensor

from swin_dense.checkpoints.windows_of_tables import likely_window
from swin_dense.layers.attention import relative_position_index
from swin_dense.layers.windows import Extent

State = dict[str, Tensor]
COMPUTED = re.compile(r'(^|\.)(relative_position_index|attn_mask)$')
_MERGING = re.compile(r'layers\.\d+\.downsample\.')
_PART = re.compile(r'(.*\.attn\.)([qkv])(\.(?:weight|bias))$')
_WHOLE = re.compile(r'(.*\.attn\.)qkv(\.(?:weight|bias))$')
_TABLE = 'relative_position_bias_table'


def from_unfold_order(state: State) -> State:
    """Patch merging by `unfold` has channels first, then neighbours (0,0), (0,1), (1,0), (1,1) of (row, column);
    official and ours is neighbours (0,0), (1,0), (0,1), (1,1), then channels.
    """
    return {name: _neighbours_first(value) if _merges(name, value) else value for name, value in state.items()}


def to_unfold_order(state: State) -> State:
    """The way back."""
    return {name: _channels_first(value) if _merges(name, value) else value for name, value in state.items()}


def _merges(name: str, value: Tensor) -> bool:
    return bool(_MERGING.match(name)) and value.ndim > 0 and value.shape[-1] % 4 == 0


def _neighbours_first(value: Tensor) -> Tensor:
    return value.unflatten(-1, (-1, 4)).transpose(-1, -2)[..., [0, 2, 1, 3], :].flatten(-2)


def _channels_first(value: Tensor) -> Tensor:
    return value.unflatten(-1, (4, -1))[..., [0, 2, 1, 3], :].transpose(-1, -2).flatten(-2)


def joined_qkv(state: State) -> State:
    """`attn.q`, `attn.k` and `attn.v` of a block as one `attn.qkv`, in the place of the first."""
    joined: State = {}
    for name, value in state.items():
        found = _PART.match(name)
        parts = [state.get(f'{found[1]}{part}{found[3]}') for part in 'qkv'] if found else []
        tensors = [part for part in parts if part is not None and part.shape == value.shape]
        if found and len(tensors) == 3:
            whole = f'{found[1]}qkv{found[3]}'
            if whole not in joined:
                joined[whole] = torch.cat(tensors)
        else:
            joined[name] = value
    return joined


def split_qkv(state: State) -> State:
    """The way back."""
    split: State = {}
    for name, value in state.items():
        if (found := _WHOLE.match(name)) and len(value) % 3 == 0:
            split |= {f'{found[1]}{part}{found[2]}': third for part, third in zip('qkv', value.chunk(3), strict=True)}
        else:
            split[name] = value
    return split


def without_computed(state: State) -> State:
    """Less the tables that models compute: relative position indices and masks of shifted windows."""
    return {name: value for name, value in state.items() if not COMPUTED.search(name)}


def with_norm_of_classifier(state: State) -> State:
    """The norm of the last level, where it is the only one, under the name that it has before a classifier's head."""
    norms = {found[1] for name in state if (found := re.match(r'(norm\d+)\.', name))}
    if len(norms) != 1:
        return state
    last = f'{norms.pop()}.'
    return {
        f'norm.{name.removeprefix(last)}' if name.startswith(last) else name: value for name, value in state.items()
    }


def with_position_indices(state: State, *, flat: bool = False) -> State:
    """With the relative position index of each bias table, (L, L) or flat, for models that have it in their state."""
    indexed: State = {}
    for name, value in without_computed(state).items():
        indexed[name] = value
        if name.endswith(_TABLE):
            index = relative_position_index(_window(len(value)), torch.device('cpu')).clone()
            indexed[name.replace(_TABLE, 'relative_position_index')] = index.flatten() if flat else index
    return indexed


def _window(rows: int) -> Extent:
    """Of a bias table: square, or of a video model."""
    side = isqrt(rows)
    return ((side + 1) // 2,) * 2 if side * side == rows else likely_window(rows) or (1, rows)
