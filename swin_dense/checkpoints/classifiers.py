"""Whole classifiers: a backbone, the norm before the head, and the head, of any known key layout."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.logging import MMLogger
from torch import Tensor, nn

from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.inflation import with_final_norm
from swin_dense.checkpoints.layouts import State, detect_layout
from swin_dense.checkpoints.layouts.values import without_computed
from swin_dense.checkpoints.loading import load_pretrained
from swin_dense.checkpoints.report import LoadReport
from swin_dense.checkpoints.surroundings import around_backbone
from swin_dense.checkpoints.wrappers import unwrap

# names of the last layer, (number of classes, channels): Swin, ShiftViT, DeiT, timm; torchvision's ResNet; mmpretrain;
# this package
_HEADS = re.compile(r'(head|fc|head\.fc|head\.layers\.fc|cls_head\.fc_cls)\.(weight|bias)')
_OWN_HEAD = 'cls_head.fc_cls.'


def load_classifier(model: nn.Module, source: str | Path | Mapping[str, Any], *, new_head: bool = False) -> LoadReport:
    """Load a published or an own classifier into `ImageClassifier`, and log and return what became of every name.

    The backbone is loaded as `load_pretrained` does; the norm before the head is that of its last level.

    Args:
        source: path, URL, short name of `zoo.yaml`, or what a checkpoint holds.
        new_head: let a head of another number of classes start from scratch, as fine-tuning does.

    Raises:
        FileNotFoundError, ConnectionError: the file or the address is not there.
        ValueError: it is no classifier, or not of this model. Where the head does not fit, nothing was loaded.
    """
    if isinstance(source, Mapping):
        content, label = source, 'a state dict'
    else:
        content, label = read_checkpoint(local_file(source)), str(source)
    built: Any = model
    backbone, head = classifier_parts(content, label, set(built.backbone.state_dict()))
    own = {name.removeprefix(_OWN_HEAD): tensor for name, tensor in built.state_dict().items() if _OWN_HEAD in name}
    note = _refuse_other_head(head, own, label, new_head)
    report = load_pretrained(built.backbone, backbone)
    if not note:
        built.cls_head.fc_cls.load_state_dict(head)
    loaded = () if note else tuple(f'{_OWN_HEAD}{name}' for name in head)
    missing = tuple(f'{_OWN_HEAD}{name}' for name in own) if note else ()
    whole = replace(
        report,
        backbone=type(model).__name__,
        source=label,
        total=report.total + len(own),
        loaded=(*report.loaded, *loaded),
        missing=(*report.missing, *missing),
        why_missing=(*report.why_missing, *((name, note) for name in missing)),
    )
    built.load_report = whole
    MMLogger.get_current_instance().info(f'{label}: head {note or "loaded"}')
    return whole


def classifier_parts(content: Mapping[str, Any], label: str, backbone_names: set[str]) -> tuple[State, State]:
    """The backbone's tensors by this package's names, with the final norm where the backbone has it; and `weight` and
    `bias` of the head, empty if there is none.
    """
    file = unwrap(content, label)
    layout = detect_layout(file.tensors, file.beside)
    named = without_computed(layout.read(file.tensors))
    head: dict[str, Tensor] = {}
    for name, tensor in {**named, **around_backbone(file)}.items():
        if found := _HEADS.fullmatch(name):
            head[found[2]] = tensor
    backbone = {name: tensor for name, tensor in named.items() if not _HEADS.fullmatch(name)}
    return with_final_norm(backbone, backbone_names), head


def _refuse_other_head(head: State, own: State, label: str, new_head: bool) -> str:
    """Why the head starts from scratch, '' if it can be loaded."""
    if not head:
        reason = 'the file has no head'
    elif {name: tensor.shape for name, tensor in head.items()} != {name: tensor.shape for name, tensor in own.items()}:
        reason = f'the file has a head of {len(head["weight"])} classes, the model of {len(own["weight"])}'
    else:
        return ''
    if not new_head:
        raise ValueError(
            f'{label}: {reason}. Give cls_head.num_classes of the file, or let the head start from scratch '
            '(init_cfg of the model, or new_head=True). Nothing was loaded.'
        )
    return f'{reason}; it starts from scratch'
