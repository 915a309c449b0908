"""Strict loading: every name in the file and in the backbone is accounted for, or nothing is loaded."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from torch import Tensor, nn

from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.explanation import explain
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.inflation import Clips
from swin_dense.checkpoints.layouts import State, detect_layout, is_of_video
from swin_dense.checkpoints.matching import match
from swin_dense.checkpoints.positions import Grids
from swin_dense.checkpoints.report import LoadReport, some
from swin_dense.checkpoints.windows_of_tables import window_of_tables
from swin_dense.checkpoints.wrappers import unwrap
from swin_dense.layers.self_attention import SelfAttention
from swin_dense.layers.windows import Size


def load_pretrained(
    backbone: nn.Module,
    source: str | Path | Mapping[str, Any],
    *,
    allow_partial: bool = False,
    position_grid: Size | None = None,
) -> LoadReport:
    """Load weights in any known key layout into a backbone, and log and return what became of every name.

    The report is kept as `backbone.load_report`. Tables of positions and patch embeddings are brought to the backbone's
    sizes, which the report says.

    Args:
        backbone: with parameters in memory or on the meta device (those come to the CPU).
        source: path, `file://` or web address of a checkpoint, a short name of `zoo.yaml`, or what a checkpoint holds:
            a state dict or a dict around one.
        allow_partial: load what fits and report the rest, rather than raise.
        position_grid: (height, width) in patches of the file's absolute position embedding; None: square, or the
            backbone's own where that alone has as many patches. Only needed if this is said to be undecided, and only
            for a backbone with such an embedding.

    Raises:
        FileNotFoundError, ConnectionError: the file or the address is not there.
        ValueError: it is no checkpoint, or a name is not accounted for. The backbone is as it was.
    """
    _refuse_grid_of_nothing(backbone, position_grid)
    if isinstance(source, Mapping):
        content, label = source, 'a state dict'
    elif isinstance(source, str | Path):
        content, label = read_checkpoint(local_file(source)), str(source)
    else:
        raise ValueError(f'weights come from a path, a URL or a state dict; got {type(source).__name__}.')
    file = unwrap(content, label)
    layout, own = detect_layout(file.tensors, file.beside), backbone.state_dict()
    num_tokens = len({'cls_token', 'dist_token'} & {layout.own_name(name) for name in file.tensors})
    grids = Grids(getattr(backbone, 'grid', None), position_grid, num_tokens)
    matched = match(file, layout, own, grids, _clips(backbone, layout.read(file.tensors)))
    report = replace(matched.report, backbone=type(backbone).__name__, source=label)
    if not report.is_complete and not (allow_partial and report.loaded):
        raise ValueError(explain(report, file, layout, matched, own, allow_partial=allow_partial))
    _refuse_other_heads(layout.num_heads(file.tensors), backbone, label)
    if not allow_partial:
        _refuse_deeper_models({layout.own_name(name) or name for name in file.tensors}, backbone, label)
    _refuse_what_cannot_be_copied(matched.values, own, label)
    _put(backbone, own, matched.values, report)
    kept: Any = backbone
    kept.load_report = report
    MMLogger.get_current_instance().info(str(report))
    return report


def _clips(backbone: nn.Module, named: State) -> Clips | None:
    built: Any = backbone
    if not hasattr(built, 'inflation'):
        return None
    return Clips(built.window_size, built.inflation, of_file=is_of_video(named), file_window=window_of_tables(named))


def _refuse_grid_of_nothing(backbone: nn.Module, position_grid: Size | None) -> None:
    if position_grid is not None and getattr(backbone, 'grid', None) is None:
        raise ValueError(
            f'position_grid={position_grid} is of absolute position embeddings, and this {type(backbone).__name__} has '
            'none. Leave it out.'
        )


def _refuse_other_heads(num_heads: int | None, backbone: nn.Module, label: str) -> None:
    """Weights of any number of heads have the same shapes once the heads are joined."""
    built = {module.num_heads for module in backbone.modules() if isinstance(module, SelfAttention)}
    if num_heads is not None and built - {num_heads}:
        raise ValueError(
            f'{label} has {num_heads} heads in its attention, this {type(backbone).__name__} {built.pop()}. Build it '
            f'with an arch of num_heads={num_heads}. Nothing was loaded.'
        )


def _refuse_deeper_models(names: Iterable[str], backbone: nn.Module, label: str) -> None:
    """What `out_indices` leave out is ignored; what the arch does not have at all is of another model."""
    depths = getattr(backbone, 'arch_depths', None)
    if depths is None:
        return
    deepest = [0] * len(depths)
    for name in names:
        if found := re.match(r'(?:layers\.(\d+)\.)?blocks\.(\d+)\.', name):
            stage = int(found[1] or 0)
            deepest += [0] * (stage + 1 - len(deepest))
            deepest[stage] = max(deepest[stage], int(found[2]) + 1)
    if len(deepest) > len(depths) or any(there > here for there, here in zip(deepest, depths, strict=False)):
        raise ValueError(
            f'{label} is of a deeper model: it has {tuple(deepest)} blocks, the arch of this {type(backbone).__name__} '
            f'{depths}. Build that arch, with fewer out_indices for its first levels alone; or allow_partial=True.'
        )


def _refuse_what_cannot_be_copied(values: State, own: State, label: str) -> None:
    """Before anything is: torch stops at the first of these, with the weights before it overwritten."""
    missing = [name for name, value in values.items() if value.is_meta and not own[name].is_meta]
    if odd := missing + [name for name, value in values.items() if value.layout != torch.strided]:
        raise ValueError(f'{label} has tensors without values, or sparse ones: {some(odd, 6)}. Nothing was loaded.')
    if odd := [name for name in values if values[name].is_floating_point() != own[name].is_floating_point()]:
        raise ValueError(
            f'{label} has {values[odd[0]].dtype} where the backbone has {own[odd[0]].dtype}: {some(odd, 6)}. Quantised '
            'or complex weights have to be turned into floating point first. Nothing was loaded.'
        )


def _put(backbone: nn.Module, own: State, values: State, report: LoadReport) -> None:
    on_meta = {name for name, tensor in own.items() if tensor.is_meta}
    without = [*report.unexplained, *(name for name, *_ in report.mismatched)]
    if without := [name for name in without if name in on_meta]:
        raise ValueError(f'the backbone is on the meta device, so {some(without, 6)} would have no value at all.')
    made = {name: values[name].to(own[name].dtype, copy=True) for name in values if name in on_meta}
    made |= {name: _initial(name, own[name]) for name, _ in report.why_missing if name in on_meta}
    backbone.load_state_dict(made, strict=False, assign=True)
    backbone.load_state_dict({name: values[name] for name in values if name not in on_meta}, strict=False)


def _initial(name: str, tensor: Tensor) -> Tensor:
    """Of what files may lack: norms, and tables of relative positions."""
    value = torch.ones_like if name.endswith(('.weight', '.running_var')) else torch.zeros_like
    return value(tensor, device='cpu')
