"""Which model a set of weights is, read from their shapes: so that a wrong file is called by its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

from swin_dense.backbones import shift_vit, vit, windowed
from swin_dense.checkpoints.windows_of_tables import likely_window

Shapes = Mapping[str, tuple[int, ...]]

PATCHES = 'patch_embed.proj.weight'
_TABLE = re.compile(r'layers\.(\d+)\.blocks\.\d+\.attn\.relative_position_bias_table$')
_LETTERS = {'tiny': 'T', 'small': 'S', 'base': 'B', 'large': 'L', 'huge': 'H'}


@dataclass(frozen=True)
class Architecture:
    """Attributes:

    family: 'Swin', 'Video Swin', 'ShiftViT' or 'ViT'.
    fields: of an `arch` dict, as far as shapes tell them.
    sizes: of what is resized when weights are loaded.
    """

    family: str
    fields: dict[str, Any]
    sizes: dict[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the presets that have these fields; of a backbone without its last levels, these first levels."""
        return tuple(
            name
            for name, preset in _PRESETS[self.family].items()
            if self.is_first_part_of(preset) and preset.get('depth') == self.fields.get('depth')
        )

    def is_first_part_of(self, fields: dict[str, Any]) -> bool:
        """Whether a model of `fields` has all that this one has: its stages, or blocks, and perhaps more of them."""
        return all(_starts_with(fields[name], value, name) for name, value in self.fields.items())

    def __str__(self) -> str:
        """Such as: Swin-S with embed_dims=96, ..., window_size=7 (arch='small')."""
        letters = {_LETTERS[name] for name in self.names if name in _LETTERS}
        title = f'{self.family}-{letters.pop()}' if len(letters) == 1 else self.family
        fields = ', '.join(f'{name}={value}' for name, value in {**self.fields, **self.sizes}.items())
        presets = f' (arch={" or ".join(map(repr, self.names))})' if self.names else ''
        return f'{title} with {fields}{presets}'


def recognise(shapes: Shapes) -> Architecture | None:
    """The architecture of weights with this package's names and `shapes`; None if they are of no known one."""
    patches = shapes.get(PATCHES, ())
    if len(patches) not in (4, 5):
        return None
    if any(name.startswith('layers.') and '.blocks.' in name for name in shapes):
        return _swin(shapes, patches) or _shift_vit(shapes, patches)
    return _vit(shapes, patches) if len(patches) == 4 else None


def compare_architectures(found: Shapes, built: Shapes) -> str:
    """Say which model a file holds and which one was built, if both are known and differ; '' otherwise."""
    file, own = recognise(found), recognise(built)
    if file is None or own is None:
        return ''
    # weights of images are inflated
    is_taken = own.family in (file.family, f'Video {file.family}')
    if is_taken and own.is_first_part_of(file.fields):
        return ''
    return f'The file looks like {file}; built is {own}.'


def shortfall(architecture: Architecture) -> str:
    """Say of which preset this would be but for blocks that it lacks; '' if of none, or of a whole one."""
    length = 'depth' if architecture.family == 'ViT' else 'depths'
    own = architecture.fields
    short = []
    for name, preset in _PRESETS[architecture.family].items():
        fewer = _padded(own[length], preset[length])
        others_fit = all(_starts_with(preset[field], value, field) for field, value in own.items() if field != length)
        if others_fit and all(here <= there for here, there in fewer):
            short.append((sum(there - here for here, there in fewer), name, preset[length]))
    lacking, name, blocks = min(short, default=(0, '', ''))
    return f'{own[length]} blocks of the {blocks} that arch={name!r} has' if lacking else ''


def _padded(own: Any, preset: Any) -> list[tuple[int, int]]:
    """Numbers of blocks side by side, 0 where there are none."""
    if not isinstance(preset, tuple):
        return [(own, preset)]
    own = (*own, *(0,) * (len(preset) - len(own)))
    return list(zip(own, preset, strict=False)) if len(own) == len(preset) else [(1, 0)]


_PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    'Swin': windowed.ARCHITECTURES,
    'Video Swin': windowed.ARCHITECTURES,
    'ShiftViT': {
        name: {field: value for field, value in preset.items() if field != 'n_div'}
        for name, preset in shift_vit.ARCHITECTURES.items()
    },
    'ViT': {
        name: {field: value for field, value in preset.items() if field != 'num_heads'}
        for name, preset in vit.ARCHITECTURES.items()
    },
}


def _swin(shapes: Shapes, patches: tuple[int, ...]) -> Architecture | None:
    depths = _depths(shapes)
    found = {int(place[1]): shape for name, shape in shapes.items() if (place := _TABLE.match(name))}
    tables = [found.get(stage, ()) for stage in range(len(depths))]
    if any(len(table) != 2 for table in tables):
        return None
    heads = tuple(table[1] for table in tables)
    fields = {'embed_dims': patches[0], 'depths': depths, 'num_heads': heads}
    if len(patches) == 5:
        window = likely_window(tables[0][0])
        return Architecture('Video Swin', fields, {} if window is None else {'window_size': window})
    return Architecture('Swin', fields, {'window_size': (isqrt(tables[0][0]) + 1) // 2})


def _shift_vit(shapes: Shapes, patches: tuple[int, ...]) -> Architecture | None:
    hidden = shapes.get('layers.0.blocks.0.mlp.fc1.weight', ())
    if len(hidden) != 2 or any('.attn.' in name for name in shapes):
        return None
    fields = {'embed_dims': patches[0], 'depths': _depths(shapes), 'mlp_ratio': _ratio(hidden)}
    return Architecture('ShiftViT', fields, {})


def _vit(shapes: Shapes, patches: tuple[int, ...]) -> Architecture | None:
    blocks = {found[1] for name in shapes if (found := re.match(r'blocks\.(\d+)\.', name))}
    if not any(re.match(r'blocks\.\d+\.attn\.qkv\.', name) for name in shapes):
        return None
    fields = {'embed_dims': patches[0], 'depth': len(blocks)}
    return Architecture('ViT', fields, {'patch_size': patches[2]})


def _depths(shapes: Shapes) -> tuple[int, ...]:
    blocks = {found.groups() for name in shapes if (found := re.match(r'layers\.(\d+)\.blocks\.(\d+)\.', name))}
    stages = 1 + max(int(stage) for stage, _ in blocks)
    return tuple(sum(int(other) == stage for other, _ in blocks) for stage in range(stages))


def _ratio(hidden: tuple[int, ...]) -> float:
    ratio = hidden[0] / hidden[1]
    return int(ratio) if ratio.is_integer() else ratio


def _starts_with(value: Any, start: Any, name: str) -> bool:
    if isinstance(start, tuple):
        return tuple(value[: len(start)]) == start
    return value >= start if name == 'depth' else value == start
