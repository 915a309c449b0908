"""What a file of weights is: the work of `tools/describe.py --weights`."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from swin_dense.checkpoints.architecture import Architecture, Shapes, recognise, shortfall
from swin_dense.checkpoints.completeness import gaps
from swin_dense.checkpoints.digests import digest
from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.explanation import shapes
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.layouts import State, detect_layout
from swin_dense.checkpoints.layouts.values import without_computed
from swin_dense.checkpoints.published import recognise_published
from swin_dense.checkpoints.report import some
from swin_dense.checkpoints.surroundings import around_backbone
from swin_dense.checkpoints.wrappers import unwrap
from swin_dense.checkpoints.zoo import PublishedWeights

# name of the weight of a last layer -> its rows that are of no class
_CLASSIFIERS = {
    r'head\.(fc\.|layers\.fc\.)?weight': 0,
    r'cls_head\.fc_cls\.weight': 0,
    r'decode_head\.conv_seg\.weight': 0,
    r'roi_head\.bbox_head\.(\d+\.)?fc_cls\.weight': 1,
}
_SHOWN_CLASSES = 8
_SHOWN_GAPS = 4


@dataclass(frozen=True)
class Identity:
    """Attributes:

    source: path, URL or short name.
    size, sha256: of the file, in bytes.
    layout: title of the key layout.
    architecture: of the backbone, by the shapes of its weights; None if it is none that is known.
    tensors, parameters: how many the backbone has, and its classification head; without tables that are computed.
    around: tensors of necks and heads.
    num_classes: of the head, if there is one that is known.
    classes: their names, if the file has them.
    others: entries with further weights.
    meta: what else the file says about itself.
    published: what is known of the file, if it is among the published weights.
    published_by: by what it was recognised as those; or why it is not taken for those whose name it has.
    lacks: parts of the trunk that are missing, and output norms.
    dtypes: of the tensors, the most frequent first.
    """

    source: str
    size: int
    sha256: str
    layout: str
    architecture: Architecture | None
    tensors: int
    parameters: int
    around: int
    num_classes: int | None
    classes: tuple[str, ...]
    others: tuple[str, ...]
    meta: Mapping[str, Any]
    published: PublishedWeights | None
    published_by: str
    lacks: tuple[str, ...]
    dtypes: tuple[str, ...]

    def __str__(self) -> str:
        return '\n'.join([self.source, *(f'  {label:<10} {text}' for label, text in self._rows())])

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield 'file', f'{self.size / 1e6:.1f} MB, sha256 {self.sha256}'
        yield 'layout', self.layout
        yield 'model', str(self.architecture or 'not one that is known')
        around = f'; beside them {self.around} of necks and heads' if self.around else ''
        yield 'tensors', f'{self.tensors} with {self.parameters:,} parameters{around}'
        yield 'values', ', '.join(self.dtypes)
        if self.lacks:
            yield 'lacks', some(self.lacks, _SHOWN_GAPS)
        if self.num_classes is not None or self.classes:
            names = f': {some(self.classes, _SHOWN_CLASSES)}' if self.classes else ', without names'
            yield 'classes', f'{self.num_classes or len(self.classes)}{names}'
        if self.others:
            yield 'also', ', '.join(self.others)
        if training := ', '.join(training_facts(self.meta)):
            yield 'training', training
        if self.published is not None:
            yield 'published', f'{self.published}; {self.published_by}'
        elif self.published_by:
            yield 'published', self.published_by


def identify(source: str | Path) -> Identity:
    """Say what the weights at a path, URL or short name are, without a model to load them into."""
    path = local_file(source)
    content = read_checkpoint(path)
    file = unwrap(content, str(source))
    layout = detect_layout(file.tensors, file.beside)
    own = layout.read(file.tensors)
    learnt = without_computed(own)
    meta = content.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    content_digest = digest(path)
    architecture = recognise(shapes(own))
    published, published_by = recognise_published(str(source), path, content_digest)
    return Identity(
        source=str(source),
        size=path.stat().st_size,
        sha256=content_digest,
        layout=layout.title,
        architecture=architecture,
        tensors=len(learnt),
        parameters=sum(tensor.numel() for tensor in learnt.values()),
        around=len(file.beside),
        num_classes=_num_classes({**own, **around_backbone(file)}),
        classes=class_names(meta),
        others=file.others,
        meta=meta,
        published=published,
        published_by=published_by,
        lacks=tuple(_lacking(shapes(own), layout.family, architecture)),
        dtypes=tuple(_dtypes(learnt)),
    )


def describe_weights(sources: Sequence[str], *, as_json: bool = False) -> int:
    """Print what files of weights are; gives the exit code."""
    for source in sources:
        identity = identify(source)
        print(json.dumps(_as_dict(identity)) if as_json else identity)
    return 0


def class_names(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of classes, as mmengine keeps them, and as was usual before it."""
    dataset = meta.get('dataset_meta')
    names = dataset.get('classes') if isinstance(dataset, Mapping) else meta.get('CLASSES')
    return tuple(map(str, names)) if isinstance(names, (list, tuple)) else ()


def training_facts(meta: Mapping[str, Any]) -> Iterator[str]:
    """How the weights were trained, as far as the file says."""
    for key, unit in (('epoch', 'epochs'), ('iter', 'iterations'), ('world_size', 'processes')):
        if isinstance(meta.get(key), int):
            yield f'{meta[key]:,} {unit}'
    for key in ('seed', 'config_hash', 'weights'):
        if meta.get(key) is not None:
            yield f'{key.replace("_", " ")} {meta[key]}'
    for key, value in meta.items():
        if key.endswith('_version'):
            yield f'{key.removesuffix("_version")} {value}'


def _num_classes(tensors: State) -> int | None:
    for name, tensor in tensors.items():
        for pattern, background in _CLASSIFIERS.items():
            if re.fullmatch(pattern, name):
                return tensor.shape[0] - background
    return None


def _lacking(own: Shapes, family: str, architecture: Architecture | None) -> Iterator[str]:
    """Of the model that the weights look like; a head is no part of it."""
    if not family:
        return
    yield from gaps(own, family)
    if architecture is not None and (short := shortfall(architecture)):
        yield short
    norms = {found[1] for name in own if (found := re.match(r'norm(\d+)\.', name))}
    stages = {found[1] for name in own if (found := re.match(r'layers\.(\d+)\.blocks\.', name))}
    if stages and not norms:
        yield 'no output norms'
    elif missing := sorted(stages - norms):
        yield f'no output norm of level {", ".join(missing)}'


def _dtypes(tensors: State) -> Iterator[str]:
    counts = Counter(str(tensor.dtype).removeprefix('torch.') for tensor in tensors.values()).most_common()
    for name, count in counts:
        yield name if len(counts) == 1 else f'{count} of {name}'


def _as_dict(identity: Identity) -> dict[str, Any]:
    plain = {**asdict(identity), 'architecture': None, 'meta': list(training_facts(identity.meta))}
    if identity.architecture is not None:
        plain['architecture'] = {**asdict(identity.architecture), 'names': identity.architecture.names}
    return plain
