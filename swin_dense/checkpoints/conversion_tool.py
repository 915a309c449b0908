"""The work of `tools/convert_weights.py`: a file of weights, written in another key layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from swin_dense.checkpoints.architecture import recognise, shortfall
from swin_dense.checkpoints.completeness import gaps
from swin_dense.checkpoints.conversion import Conversion, convert
from swin_dense.checkpoints.digests import says_digest
from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.explanation import shapes
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.layouts import LAYOUTS, State, detect_layout
from swin_dense.checkpoints.report import some
from swin_dense.checkpoints.surroundings import around_backbone, is_whole_model
from swin_dense.checkpoints.tensor_files import safetensors_bytes
from swin_dense.checkpoints.wrappers import Unwrapped, unwrap
from swin_dense.engine.atomic import replacing
from swin_dense.engine.plain import plain

TARGETS = tuple(dict.fromkeys(name for layout in LAYOUTS for name in layout.targets))
# of these, a file may be of a whole model; the others are of classifiers
_WHOLE_MODELS = ('swin_dense', 'mmdet', 'mmseg')
# the entry in which the code of a place looks for weights; at the top if there is none
_ENTRIES = {'official': 'model', 'swin_dense': 'state_dict', 'mmdet': 'state_dict', 'mmseg': 'state_dict'}
# what a file says of its classes, by mmengine and before it
_KEPT_META = ('dataset_meta', 'CLASSES', 'PALETTE', 'epoch', 'iter')
_SHOWN = 4


def convert_weights(source: str, target: str, *, to: str) -> int:
    """Write the weights of `source`, a path, URL or short name, to the file `target` in layout `to`; the exit code.

    Of a whole model, necks and heads keep their names where the layout is of whole models, and are left out elsewhere.
    """
    path = Path(target)
    if path.suffix not in ('.pth', '.safetensors'):
        raise ValueError(f'weights are written to .pth or .safetensors files; got {target!r}.')
    if says_digest(path):
        raise ValueError(
            f'{target} ends like the name of a published file, with digits of a checksum. Give another name.'
        )
    if path.exists():
        raise ValueError(f'{target} exists. Give another name, or delete it first.')
    content = read_checkpoint(local_file(source))
    file = unwrap(content, source)
    layout = detect_layout(file.tensors, file.beside)
    own = layout.read(file.tensors)
    if layout.family and (missing := gaps(shapes(own), layout.family)):
        raise ValueError(f'{source} is not whole: it has {some(missing, _SHOWN)}. Nothing was written.')
    if layout.family and recognise(shapes(own)) is None:
        raise ValueError(
            f'{source} has the names of {layout.family}, and shapes of no {layout.family} of this package.'
        )
    conversion = convert(file.tensors, to, beside=file.beside)
    if unknown := [name for name in conversion.left_out if not layout.why_ignored(layout.own_name(name), (), own)]:
        raise ValueError(f'{source} has what is no part of {layout.title!r}: {some(unknown, _SHOWN)}.')
    others = around_backbone(file) if to in _WHOLE_MODELS and is_whole_model(file) else {}
    # mmdet reads nothing without the prefix
    prefix = 'backbone.' if others or to == 'mmdet' else ''
    tensors = {**{prefix + name: value for name, value in conversion.tensors.items()}, **others}
    _write(path, tensors, _meta(content, source), to)
    _check(path, conversion, len(others))
    print('\n'.join(_summary(source, path, file, own, conversion, len(others))))
    return 0


def _meta(content: Mapping[str, Any], source: str) -> dict[str, Any]:
    meta = content.get('meta')
    kept = {key: meta[key] for key in _KEPT_META if key in meta} if isinstance(meta, Mapping) else {}
    return plain({**kept, 'converted_from': source}, where='meta', left_out=[])


def _write(path: Path, tensors: State, meta: dict[str, Any], to: str) -> None:
    with replacing(path) as file:
        if path.suffix == '.pth':
            entry = _ENTRIES.get(to)
            torch.save(tensors if entry is None else {'meta': meta, entry: tensors}, file)
        elif to == 'swin_dense':
            file.write(safetensors_bytes(tensors, meta))
        else:
            from safetensors.torch import save

            file.write(save({name: value.clone().contiguous() for name, value in tensors.items()}, {'format': 'pt'}))


def _check(path: Path, conversion: Conversion, num_others: int) -> None:
    file = unwrap(read_checkpoint(path), str(path))
    assert len(file.beside) == num_others, f'{len(file.beside)} of {num_others} tensors of necks and heads in {path}'
    assert file.tensors.keys() == conversion.tensors.keys(), path
    assert all(torch.equal(file.tensors[name], value) for name, value in conversion.tensors.items()), path


def _summary(
    source: str, path: Path, file: Unwrapped, own: State, conversion: Conversion, num_others: int
) -> list[str]:
    architecture = recognise(shapes(own))
    left_out = [*conversion.left_out, *(() if num_others else file.beside)]
    lines = [
        f'{source}: {conversion.source}, {architecture or "an unknown architecture"}',
        f'{path}: {conversion.target}, {len(conversion.tensors)} tensors of the backbone',
    ]
    if num_others:
        lines.append(f'  {num_others} tensors of necks and heads, under their names')
    if architecture is not None and (short := shortfall(architecture)):
        lines.append(f'  {short}: if that is not meant, the file is not whole')
    if left_out:
        lines.append(f'  left out, as the layout has no place for them, {len(left_out)}: {some(left_out, _SHOWN)}')
    if file.others:
        lines.append(f'  left out, as the file holds other weights, too: {", ".join(file.others)}')
    return lines
