"""Which Swin a set of weights is, read from their shapes: so that a wrong file is called by its name."""

import re
from collections.abc import Mapping
from math import isqrt
from typing import Any

from swin_dense.backbones.swin import ARCHITECTURES

Shapes = Mapping[str, tuple[int, ...]]

PATCHES = 'patch_embed.proj.weight'


def swin_architecture(shapes: Shapes) -> dict[str, Any]:
    """The fields of a Swin's architecture, by the shapes of its weights; {} if they are not a Swin's."""
    patches = shapes.get(PATCHES, ())
    blocks = [found for name in shapes if (found := re.match(r'layers\.(\d+)\.blocks\.(\d+)\.', name))]
    tables = {
        int(found[1]): shape
        for name, shape in shapes.items()
        if (found := re.match(r'layers\.(\d+)\.blocks\.\d+\.attn\.relative_position_bias_table$', name))
    }
    stages = range(1 + max((int(block[1]) for block in blocks), default=-1))
    if len(patches) != 4 or not stages or any(len(tables.get(stage, ())) != 2 for stage in stages):
        return {}
    return {
        'embed_dims': patches[0],
        'depths': tuple(len({block[2] for block in blocks if int(block[1]) == stage}) for stage in stages),
        'num_heads': tuple(tables[stage][1] for stage in stages),
        'window_size': (isqrt(tables[0][0]) + 1) // 2,
    }


def compare_architectures(found: Shapes, built: Shapes) -> str:
    """Say which Swin a file holds and which one was built, if both are one and they differ; '' otherwise."""
    file, own = swin_architecture(found), swin_architecture(built)
    if not file or not own:
        return ''
    # a backbone without the last stages has the first ones of the same Swin, and tables fit any window
    if {**_first_stages(file, len(own['depths'])), 'window_size': own['window_size']} == own:
        return ''
    return f'The file looks like {_describe(file)}; built is {_describe(own)}.'


def _first_stages(architecture: dict[str, Any], num_stages: int) -> dict[str, Any]:
    return {key: value[:num_stages] if isinstance(value, tuple) else value for key, value in architecture.items()}


def _describe(architecture: dict[str, Any]) -> str:
    fields = ', '.join(f'{name}={value}' for name, value in architecture.items())
    num_stages = len(architecture['depths'])
    names = [
        name
        for name, preset in ARCHITECTURES.items()
        if all(architecture[key] == value for key, value in _first_stages(preset, num_stages).items())
    ]
    return f'Swin with {fields}' + (f' (arch={" or ".join(map(repr, names))})' if names else '')
