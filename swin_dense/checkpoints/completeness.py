"""What a set of weights lacks of the trunk of the model it is of. Heads and output norms are another question.

mmdet and mmseg load what there is and go on, so that a hole in a file would pass unseen.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from swin_dense.checkpoints.architecture import Shapes
from swin_dense.checkpoints.layouts.values import COMPUTED

Blocks = Mapping[tuple[str, int], Mapping[str, tuple[int, ...]]]
_BLOCK = re.compile(r'((?:layers\.\d+\.)?blocks)\.(\d+)\.(.+)')
_NORM = re.compile(r'(norm\d?)\.(weight|bias)$')
_WRAPPED = re.compile(r'^(patch_embed|layers\.\d+)\..*norm\d?\.norm\.')
_STATISTICS = ('mean', 'var')
_PATCHES = ('patch_embed.proj.weight', 'patch_embed.proj.bias')
_PATCH_NORM = ('patch_embed.norm.weight', 'patch_embed.norm.bias')
_MERGING = ('downsample.reduction.weight', 'downsample.norm.weight', 'downsample.norm.bias')


def _both(*layers: str) -> tuple[str, ...]:
    return tuple(f'{layer}.{kind}' for layer in layers for kind in ('weight', 'bias'))


# what each block has in every model of a family; what else one block of a file has, the others have, too
_BLOCKS = {
    'Swin': (
        'attn.relative_position_bias_table',
        'attn.qkv.weight',
        *_both('norm1', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'),
    ),
    'ShiftViT': _both('norm2', 'mlp.fc1', 'mlp.fc2'),
    'ViT': ('attn.qkv.weight', *_both('norm1', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2')),
}


def gaps(shapes: Shapes, family: str) -> list[str]:
    """What is missing, or is in one block other than in the rest; empty if the trunk is whole.

    Args:
        shapes: by this package's names.
        family: 'Swin', 'Video Swin', 'ShiftViT' or 'ViT'.
    """
    family = family.removeprefix('Video ')
    wraps = family == 'ShiftViT' and any(_WRAPPED.search(name) for name in shapes)
    around = (*_PATCHES, *(('pos_embed',) if family == 'ViT' else _named(_PATCH_NORM, wraps)))
    missing = [f'no {name}' for name in around if name not in shapes]
    usual = _named(_BLOCKS[family], wraps)
    return [*missing, *_gaps_between_stages(shapes, family, wraps), *_gaps_in_blocks(_blocks(shapes), usual)]


def _named(parts: tuple[str, ...], wraps: bool) -> tuple[str, ...]:
    """`parts` as a file has them whose norms are batch norms, which ShiftViT has within another module."""
    if not wraps:
        return parts
    named = [_NORM.sub(r'\1.norm.\2', part) for part in parts]
    # without its statistics a batch norm would do another thing than was trained
    statistics = [
        name.replace('.weight', f'.running_{kind}')
        for name in named
        if name.endswith('.norm.weight')
        for kind in _STATISTICS
    ]
    return (*named, *statistics)


def _gaps_between_stages(shapes: Shapes, family: str, wraps: bool) -> Iterator[str]:
    """A backbone without its last levels has fewer stages; the last that there is may have its merging or not."""
    stages = {int(found[1]) for name in shapes if (found := re.match(r'layers\.(\d+)\.', name))}
    if family == 'ViT':
        return
    for stage in range(max(stages, default=0) + 1):
        merging = [f'layers.{stage}.{part}' for part in _named(_MERGING, wraps)]
        if stage < max(stages, default=0) or any(name in shapes for name in merging):
            yield from (f'no {name}' for name in merging if name not in shapes)
        if not any(name.startswith(f'layers.{stage}.blocks.') for name in shapes):
            yield f'no layers.{stage}.blocks'


def _blocks(shapes: Shapes) -> Blocks:
    """(name of the list of blocks, number) -> part -> shape."""
    blocks: dict[tuple[str, int], dict[str, tuple[int, ...]]] = defaultdict(dict)
    for name, shape in shapes.items():
        if not COMPUTED.search(name) and (found := _BLOCK.match(name)):
            blocks[found[1], int(found[2])][found[3]] = shape
    return blocks


def _gaps_in_blocks(blocks: Blocks, required: tuple[str, ...]) -> Iterator[str]:
    depths: dict[str, int] = {}
    for place, number in blocks:
        depths[place] = max(depths.get(place, 0), number + 1)
    for place, depth in depths.items():
        yield from (f'no {place}.{number}' for number in range(depth) if (place, number) not in blocks)
    usual = set(required).union(_parts_of_most(blocks))
    for (place, number), parts in blocks.items():
        yield from (f'no {place}.{number}.{part}' for part in sorted(usual - parts.keys()))
        yield from (f'{place}.{number}.{part}, of this block alone' for part in sorted(parts.keys() - usual))
        first = blocks[min(other for other in blocks if other[0] == place)]
        for part, shape in parts.items():
            if first.get(part, shape) != shape and not part.startswith('attn.rel_pos_'):
                yield f'{place}.{number}.{part} of shape {shape}, and {first[part]} in the first block'


def _parts_of_most(blocks: Blocks) -> Iterator[str]:
    counts: dict[str, int] = defaultdict(int)
    for parts in blocks.values():
        for part in parts:
            counts[part] += 1
    return (part for part, count in counts.items() if 2 * count > len(blocks))
