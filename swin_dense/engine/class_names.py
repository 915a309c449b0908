"""Names of classes have one source, the training data: from there they go to data sets, heads, colours and checkpoints.

A config says them once (`metainfo.classes`), or not at all: the data set's type or its annotation file has them. Heads
get their `num_classes` from here where the config leaves it out; where it has another number, that is an error.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from swin_dense.checks.dataset_configs import SPLITS, DatasetConfig, dataset_configs
from swin_dense.engine.config_types import find_type
from swin_dense.engine.signatures import arguments_of

# a classifier's own count; objects against background; stuff as well as things, from maps of its own; identities
_OTHER_COUNTS = ('backbone', 'rpn_head', 'semantic_head', 'data_preprocessor', 'reid')
_OF_EDGES = 'STDCHead'
# models in which a head counts things, and the data things and stuff, or words of a text
_COUNT_OTHERWISE = ('panoptic_fusion_head', 'language_model')


class ClassNames(NamedTuple):
    """`names` in the order of the labels, and the `source` that has them: a key of the config, a type or a file."""

    names: tuple[str, ...]
    source: str


def fill_classes(cfg: Config, *, known: Sequence[str] | None = None, read_files: bool = True) -> None:
    """Put the classes of the training data where a config leaves them out.

    - `num_classes` of heads (and losses) that take one;
    - `metainfo.classes` of data sets that would read them from an annotation file of their own, so that numbers mean
      the same in all of them. Data sets without colours give themselves some; all of it goes into checkpoints.

    Args:
        known: names that a checkpoint has. They go before those of an annotation file, which may have changed.
        read_files: whether annotation files may be read for names.
    """
    found = training_classes(cfg, read_files=read_files and not known)
    names = (found.names if found else ()) or tuple(known or ())
    if not names:
        return
    for split in SPLITS:
        for dataset in dataset_configs(cfg, (split,)):
            node = _node(cfg, dataset.key)
            if _reader(dataset) is not None and 'classes' not in (node.get('metainfo') or {}):
                node['metainfo'] = {**(node.get('metainfo') or {}), 'classes': names}
    for _, node in _counting(cfg.get('model')):
        if 'num_classes' not in node and _takes_count(node.get('type'), cfg.get('default_scope')):
            node['num_classes'] = len(names)


def training_classes(cfg: Config, *, read_files: bool = True) -> ClassNames | None:
    """The classes of the training data, else of the validation or test data; None where nothing says them."""
    for dataset in dataset_configs(cfg):
        if found := classes_of(dataset, read_files=read_files):
            return found
    return None


def classes_of(dataset: DatasetConfig, *, read_files: bool = True) -> ClassNames | None:
    """The classes that a data set will have by itself: those given, of its annotation file, or of its type."""
    given = (dataset.cfg.get('metainfo') or {}).get('classes')
    if given is not None:
        return ClassNames(_given_names(given), f'{dataset.key}.metainfo.classes')
    if (read := _reader(dataset)) is not None:
        if not read_files:
            return None
        # of data sets without an annotation file, the folder of the images
        place = dataset.cfg.get('ann_file') or (dataset.cfg.get('data_prefix') or {}).get('image') or ''
        file = Path(dataset.path(str(place)))
        try:
            return ClassNames(tuple(read(file)), str(file))
        except (OSError, ValueError):  # missing or broken: the checks say so
            return None
    names = (getattr(dataset.cls, 'METAINFO', None) or {}).get('classes')
    return ClassNames(tuple(names), f'type {dataset.cfg["type"]}') if names else None


def class_counts(model: Any) -> Iterator[tuple[str, int]]:
    """Give (config key, number) of every `num_classes` that counts the classes of the data."""
    for key, node in _counting(model):
        if isinstance(node.get('num_classes'), int):
            yield f'{key}.num_classes', node['num_classes']


def _counting(node: Any, key: str = 'model') -> Iterator[tuple[str, Any]]:
    """Give (config key, dict) of all parts of a model whose number of classes, if they have one, is the data's."""
    if isinstance(node, dict):
        if node.get('type') == _OF_EDGES or any(part in node for part in _COUNT_OTHERWISE):
            return
        yield key, node
        for name, value in node.items():
            if name not in _OTHER_COUNTS:
                yield from _counting(value, f'{key}.{name}')
    elif isinstance(node, (list, tuple)):
        for number, item in enumerate(node):
            yield from _counting(item, f'{key}.{number}')


def _given_names(given: Any) -> tuple[str, ...]:
    """Names as mmengine takes them, a list or a text file of lines; none of a word, which the checks explain."""
    if not isinstance(given, str):
        return tuple(given)
    try:
        return tuple(Path(given).read_text().splitlines())
    except (OSError, ValueError):
        return ()


def _reader(dataset: DatasetConfig) -> Callable[[Path], Sequence[str]] | None:
    """How to read names from the annotation file of data sets that take them from there."""
    return getattr(dataset.cls, 'category_names', None)


def _takes_count(kind: Any, scope: str | None) -> bool:
    target = find_type(kind, scope, 'MODELS')
    return callable(target) and 'num_classes' in arguments_of(target).names


def _node(cfg: Config, key: str) -> Any:
    node: Any = cfg
    for part in key.split('.'):
        node = node[int(part)] if isinstance(node, (list, tuple)) else node[part]
    return node
