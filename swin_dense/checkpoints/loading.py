"""Strict loading: every name in the file and in the backbone is accounted for, or nothing is loaded."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.logging import MMLogger
from torch import Tensor, nn

from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.explanation import explain, shapes
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.layouts import Layout, State, detect_layout
from swin_dense.checkpoints.report import BESIDE, LoadReport, some
from swin_dense.checkpoints.resizing import resized_bias_table
from swin_dense.checkpoints.wrappers import Unwrapped, unwrap

_BIAS_TABLE = 'relative_position_bias_table'


def load_pretrained(
    backbone: nn.Module, source: str | Path | Mapping[str, Any], *, allow_partial: bool = False
) -> LoadReport:
    """Load weights in any known key layout into a backbone, and log and return what became of every name.

    The report is kept as `backbone.load_report`.

    Args:
        backbone: with parameters in memory or on the meta device (those come to the CPU).
        source: path, `file://` or web address of a checkpoint, or what it holds: a state dict or a dict around one.
        allow_partial: load what fits and report the rest, rather than raise.

    Raises:
        FileNotFoundError, ConnectionError: the file or the address is not there.
        ValueError: it is no checkpoint, or a name is not accounted for. The backbone is as it was.
    """
    if isinstance(source, Mapping):
        content, label = source, 'a state dict'
    elif isinstance(source, str | Path):
        content, label = read_checkpoint(local_file(source)), str(source)
    else:
        raise ValueError(f'weights come from a path, a URL or a state dict; got {type(source).__name__}.')
    file = unwrap(content, label)
    layout = detect_layout(file.tensors)
    state, own = layout.convert(file.tensors), backbone.state_dict()
    values, report = _match(state, own, file, layout)
    report = replace(report, backbone=type(backbone).__name__, source=label)
    if not report.is_complete and not (allow_partial and report.loaded):
        raise ValueError(explain(report, shapes(state), shapes(own)))
    _put(backbone, own, values, report)
    kept: Any = backbone
    kept.load_report = report
    MMLogger.get_current_instance().info(str(report))
    return report


def _match(state: State, own: State, file: Unwrapped, layout: Layout) -> tuple[State, LoadReport]:
    """The values to load, and what becomes of every name."""
    values, resized, mismatched = {}, [], []
    for name in own.keys() & state.keys():
        tensor, sizes = state[name], (name, tuple(state[name].shape), tuple(own[name].shape))
        if tensor.shape == own[name].shape:
            values[name] = tensor
        elif (table := _resized(name, tensor, own[name])) is not None:
            values[name] = table
            resized.append(sizes)
        else:
            mismatched.append(sizes)
    # a layout leaves most tensors as they are, so that they tell where they come from
    origins = {id(tensor): file.full_names[name] for name, tensor in file.tensors.items()}
    full_names = {name: origins.get(id(tensor), name) for name, tensor in state.items()}
    foreign = {full_names[name]: layout.why_ignored(name, own, state) for name in state if name not in own}
    foreign |= {name: '' if name in own else BESIDE for name in file.beside}
    missing = [name for name in own if name not in state]
    return values, LoadReport(
        layout=layout.title,
        total=len(own),
        loaded=tuple(name for name in own if name in values),
        renamed=tuple((full_names[name], name) for name in own if name in values and full_names[name] != name),
        resized=tuple(sorted(resized)),
        ignored=tuple((name, reason) for name, reason in foreign.items() if reason),
        missing=tuple(missing),
        why_missing=tuple((name, reason) for name in missing if (reason := layout.why_missing(name))),
        unexpected=tuple(name for name, reason in foreign.items() if not reason),
        mismatched=tuple(sorted(mismatched)),
    )


def _resized(name: str, tensor: Tensor, target: Tensor) -> Tensor | None:
    if not name.endswith(_BIAS_TABLE) or tensor.ndim != 2 or tensor.shape[1] != target.shape[1]:
        return None
    return resized_bias_table(tensor, target.shape[0])


def _put(backbone: nn.Module, own: State, values: State, report: LoadReport) -> None:
    on_meta = {name for name, tensor in own.items() if tensor.is_meta}
    if without := [name for name in report.unexplained if name in on_meta]:
        raise ValueError(f'the backbone is on the meta device, so {some(without, 6)} would have no value at all.')
    for name, _ in report.why_missing:
        module: Any = backbone.get_submodule(name.rpartition('.')[0])
        if name in on_meta and next(module.parameters()).is_meta:
            module.to_empty(device='cpu', recurse=False)
            module.reset_parameters()
    made = {name: values[name].to(own[name].dtype, copy=True) for name in values if name in on_meta}
    backbone.load_state_dict(made, strict=False, assign=True)
    backbone.load_state_dict({name: values[name] for name in values if name not in on_meta}, strict=False)
