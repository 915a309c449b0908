"""Names of classes have one source, the training data: from there they go to data sets, heads, colours and checkpoints.

A config says them once (`metainfo.classes`), or not at all: the data set's type or its annotation file has them. Heads
get their `num_classes` from here where the config leaves it out; where it has another number, that is an error.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from swin_dense.checks.dataset_configs import SPLITS, DatasetConfig, dataset_configs
from swin_dense.datasets.palettes import distinct_palette
from swin_dense.engine.config_types import arguments_of, find_type

# a classifier's own count; objects against background; stuff as well as things, from maps of its own
_OTHER_COUNTS = ('backbone', 'rpn_head', 'semantic_head', 'data_preprocessor')


class ClassNames(NamedTuple):
    """`names` in the order of the labels, and the `source` that has them: a key of the config, a type or a file."""

    names: tuple[str, ...]
    source: str


def fill_classes(cfg: Config, *, known: Sequence[str] | None = None) -> None:
    """Put the classes of the training data where a config leaves them out.

    - `num_classes` of heads (and losses) that take one;
    - `metainfo.classes` of data sets that would read them from an annotation file of their own, so that numbers mean
      the same in all of them;
    - `metainfo.palette` beside classes without colours. All of `metainfo` goes into checkpoints.

    Args:
        known: names that a checkpoint has. They go before those of an annotation file, which may have changed.
    """
    found = training_classes(cfg, read_files=not known)
    names = found.names if found else tuple(known or ())
    if not names:
        return
    for split in SPLITS:
        for dataset in dataset_configs(cfg, (split,)):
            _fill_dataset(_node(cfg, dataset.key), dataset, names)
    _fill_heads(cfg.get('model'), len(names), cfg)


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
        # one word for a list is a mistake that the checks explain
        return None if isinstance(given, str) else ClassNames(tuple(given), f'{dataset.key}.metainfo.classes')
    if (read := _reader(dataset)) is not None:
        if not read_files:
            return None
        file = Path(dataset.path(str(dataset.cfg.get('ann_file') or '')))
        try:
            return ClassNames(tuple(read(file)), str(file))
        except (OSError, ValueError):  # missing or broken: the checks say so
            return None
    names = (getattr(dataset.cls, 'METAINFO', None) or {}).get('classes')
    return ClassNames(tuple(names), f'type {dataset.cfg["type"]}') if names else None


def class_counts(model: Any, where: str = 'model') -> Iterator[tuple[str, int]]:
    """Give (config key, number) of every `num_classes` that counts the classes of the data."""
    if isinstance(model, dict):
        if isinstance(model.get('num_classes'), int):
            yield f'{where}.num_classes', model['num_classes']
        for key, value in model.items():
            if key not in _OTHER_COUNTS:
                yield from class_counts(value, f'{where}.{key}')
    elif isinstance(model, (list, tuple)):
        for number, item in enumerate(model):
            yield from class_counts(item, f'{where}.{number}')


def _reader(dataset: DatasetConfig) -> Callable[[Path], Sequence[str]] | None:
    """How to read names from the annotation file of data sets that take them from there."""
    return getattr(dataset.cls, 'category_names', None)


def _fill_dataset(node: Any, dataset: DatasetConfig, names: tuple[str, ...]) -> None:
    metainfo = dict(node.get('metainfo') or {})
    if 'classes' not in metainfo and _reader(dataset) is not None:
        metainfo['classes'] = names
    classes = metainfo.get('classes')
    built_in = getattr(dataset.cls, 'METAINFO', None) or {}
    # of a type that has colours, mmseg takes those of the classes that are kept
    has_colours = 'palette' in metainfo or set(classes or ()) <= set(built_in.get('classes') or ())
    if classes is not None and not isinstance(classes, str) and not has_colours:
        metainfo['palette'] = [tuple(colour) for colour in distinct_palette(len(classes)).tolist()]
    if metainfo:
        node['metainfo'] = metainfo


def _fill_heads(model: Any, count: int, cfg: Config) -> None:
    if isinstance(model, dict):
        if 'num_classes' not in model and _takes_count(model.get('type'), cfg.get('default_scope')):
            model['num_classes'] = count
        for key, value in model.items():
            if key not in _OTHER_COUNTS:
                _fill_heads(value, count, cfg)
    elif isinstance(model, (list, tuple)):
        for item in model:
            _fill_heads(item, count, cfg)


def _takes_count(kind: Any, scope: str | None) -> bool:
    target = find_type(kind, scope, 'MODELS')
    return target is not None and 'num_classes' in arguments_of(target).names


def _node(cfg: Config, key: str) -> Any:
    node: Any = cfg
    for part in key.split('.'):
        node = node[int(part)] if isinstance(node, (list, tuple)) else node[part]
    return node
