"""The data sets of a config, before anything is built: which there are, of which class, with which files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from swin_dense.quiet import quiet_imports

SPLITS = ('train', 'val', 'test')


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """One data set of a loader; where it is wrapped (repeated, joined with others), one of those inside.

    Attributes:
        split: train, val or test.
        key: its place in the config: `train_dataloader.dataset`, `train_dataloader.dataset.datasets.1`.
        cfg: `type` and arguments, plain values.
        cls: the class that will be built; None where the type is not registered.
    """

    split: str
    key: str
    cfg: dict[str, Any]
    cls: type | None

    def argument(self, name: str) -> Any:
        """The value of an argument: of the config, else None."""
        return self.cfg.get(name)

    def path(self, part: str) -> str:
        """Join a path of the data set to its `data_root`, as mmengine does."""
        root = self.cfg.get('data_root') or ''
        return part if not root or os.path.isabs(part) or '://' in part else os.path.join(root, part)


def dataset_configs(cfg: Config, splits: Sequence[str] = SPLITS) -> Iterator[DatasetConfig]:
    """Give the data sets that the loaders of `splits` will read; the test set only where it is not the val set."""
    values = cfg.to_dict()
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        seen: list[Any] = []
        for split in splits:
            loader = values.get(f'{split}_dataloader')
            if not isinstance(loader, dict) or loader.get('dataset') in seen:
                continue
            seen.append(loader.get('dataset'))
            yield from _leaves(loader.get('dataset'), split, f'{split}_dataloader.dataset')


def _leaves(node: Any, split: str, key: str) -> Iterator[DatasetConfig]:
    if not isinstance(node, dict):
        return
    inner = [('dataset', node.get('dataset'))] + [
        (f'datasets.{number}', each) for number, each in enumerate(node.get('datasets') or ())
    ]
    inner = [(name, each) for name, each in inner if isinstance(each, dict)]
    if inner:
        for name, each in inner:
            yield from _leaves(each, split, f'{key}.{name}')
    else:
        yield DatasetConfig(split=split, key=key, cfg=node, cls=_class_of(node.get('type')))


def _class_of(kind: Any) -> type | None:
    if not isinstance(kind, str):
        return kind if isinstance(kind, type) else None
    try:
        # mmengine warns of scopes that are not imported; the registry is that of building
        with quiet_imports(), DATASETS.switch_scope_and_registry(None) as registry:
            found = registry.get(kind)
    except (ImportError, KeyError):
        return None
    return found if isinstance(found, type) else None
