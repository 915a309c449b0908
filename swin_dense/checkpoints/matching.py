"""What becomes of every name of a file and of a backbone."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from swin_dense.checkpoints.inflation import (
    PATCHES,
    Clips,
    inflated_bias_table,
    inflated_kernel,
    resized_video_table,
    with_final_norm,
)
from swin_dense.checkpoints.layouts import Layout, State, joined_name
from swin_dense.checkpoints.positions import Grids, fitted_positions
from swin_dense.checkpoints.report import BESIDE, LoadReport, Shape
from swin_dense.checkpoints.resizing import (
    kernel_for_channels,
    kernel_for_patch_size,
    resized_bias_table,
    resized_relative_rows,
)
from swin_dense.checkpoints.wrappers import Unwrapped

POSITIONS = 'pos_embed'
_OTHERS = 'another set of weights in the file; to load it, give that entry in place of the file'


@dataclass(frozen=True)
class Matched:
    """Attributes:

    found: the file's tensors by this package's names.
    values: those to load, in the backbone's sizes.
    report: on them, without the backbone's class and the source.
    """

    found: State
    values: State
    report: LoadReport


def match(file: Unwrapped, layout: Layout, own: State, grids: Grids, clips: Clips | None = None) -> Matched:
    """Bring the tensors of a file to the names and sizes of a backbone's state dict `own`; of videos, with `clips`.

    Raises:
        ValueError: two names of the file are of one weight, or its position embedding can be read in two ways.
    """
    named = layout.read(file.tensors)
    sources = _sources(file, layout)
    found = named
    if clips is not None:
        found, sources = with_final_norm(named, own), with_final_norm(sources, own)
    values, resized, mismatched = {}, [], []
    for name in sorted(own.keys() & found.keys()):
        sizes = (name, tuple(found[name].shape), tuple(own[name].shape))
        if (value := fitted(name, found[name], sizes[2], grids, clips)) is None:
            mismatched.append(sizes)
            continue
        values[name], how = value
        resized += [(*sizes, how)] if how else []
    foreign = {
        other: layout.why_ignored(name, own, found)
        for name in found
        if name not in own
        for other in sources.get(name) or sources.get(joined_name(name), (name,))
    }
    foreign |= {name: '' if name in own else BESIDE for name in file.beside}
    ignored = [(name, reason) for name, reason in foreign.items() if reason]
    missing = tuple(name for name in own if name not in found)
    report = LoadReport(
        layout=layout.title,
        total=len(own),
        loaded=tuple(name for name in own if name in values),
        renamed=tuple((other, name) for name in own if name in values for other in sources[name] if other != name),
        resized=tuple(resized),
        ignored=(*ignored, *((entry, _OTHERS) for entry in file.others)),
        missing=missing,
        why_missing=tuple((name, reason) for name in missing if (reason := layout.why_missing(name, named))),
        unexpected=tuple(name for name, reason in foreign.items() if not reason),
        mismatched=tuple(mismatched),
    )
    return Matched(found, values, report)


def fitted(
    name: str, tensor: Tensor, shape: Shape, grids: Grids, clips: Clips | None = None
) -> tuple[Tensor, str] | None:
    """The tensor in `shape`, and how it came to be ('' if it is untouched); None if it does not fit."""
    if name == POSITIONS and tensor.ndim == len(shape) == 3 and tensor.shape[::2] == (1, shape[2]):
        return fitted_positions(tensor, shape[1], grids)
    if tuple(tensor.shape) == shape:
        return tensor, ''
    if name == PATCHES and clips is not None and tensor.ndim == 4 and len(tensor) == shape[0]:
        return _inflated_patches(tensor, shape, clips)
    if tensor.ndim != len(shape):
        return None
    if name == PATCHES and tensor.ndim == 4 and len(tensor) == shape[0]:
        return _fitted_kernel(tensor, shape)
    if name.endswith('relative_position_bias_table') and clips is not None and tensor.shape[-1] == shape[-1]:
        return resized_video_table(tensor, clips) if clips.of_file else inflated_bias_table(tensor, clips)
    resizers = {
        'relative_position_bias_table': (resized_bias_table, 'bicubic'),
        'rel_pos_h': (resized_relative_rows, 'linear'),
        'rel_pos_w': (resized_relative_rows, 'linear'),
    }
    resize, how = resizers.get(name.rpartition('.')[2], (None, ''))
    if resize is None or tensor.ndim != 2 or tensor.shape[1] != shape[1]:
        return None
    table = resize(tensor, shape[0])
    return None if table is None else (table, how)


def _inflated_patches(kernel: Tensor, shape: Shape, clips: Clips) -> tuple[Tensor, str] | None:
    fitted_kernel = _fitted_kernel(kernel, (*shape[:2], *shape[3:]))
    if fitted_kernel is None:
        return None
    kernel, how = fitted_kernel
    note = f'inflated to {shape[2]} frames, {clips.inflation}'
    return inflated_kernel(kernel, shape[2], clips.inflation), ', '.join(filter(None, [how, note]))


def _fitted_kernel(kernel: Tensor, shape: Shape) -> tuple[Tensor, str] | None:
    notes = []
    if kernel.shape[1] != shape[1]:
        adapted = kernel_for_channels(kernel, shape[1])
        if adapted is None:
            return None
        kernel = adapted
        notes.append('channels summed' if shape[1] == 1 else f'channels repeated, times 3/{shape[1]}')
    if kernel.shape[2:] != shape[2:]:
        kernel = kernel_for_patch_size(kernel, (shape[2], shape[3]))
        notes.append('patches resized, by the pseudo-inverse of bicubic')
    return kernel, ', '.join(notes)


def _sources(file: Unwrapped, layout: Layout) -> Mapping[str, tuple[str, ...]]:
    """Own name -> names in the file that the tensor is made of."""
    sources: dict[str, tuple[str, ...]] = {}
    for plain, full in file.full_names.items():
        name = layout.own_name(plain)
        sources[name] = (*sources.get(name, ()), full)
    return sources
