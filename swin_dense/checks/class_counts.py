"""Numbers of classes that a config says beside those of its data."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from mmengine.config import Config

from swin_dense.checks.dataset_configs import dataset_configs
from swin_dense.checks.findings import Depth, Finding
from swin_dense.engine.class_names import ClassNames, class_counts, classes_of, training_classes

_SHOWN = 10


def check_class_counts(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """Compare the heads' `num_classes` with the classes of the data, and the classes of the data sets."""
    data = training_classes(cfg)
    if data is None or not data.names:
        return
    shown = _listed(data.names)
    yield from _alike(data)
    counts = list(class_counts(cfg.get('model')))
    for key, count in counts:
        if count != len(data.names):
            yield Finding(
                level='error',
                rule='class-count',
                file=str(cfg.filename or ''),
                key=key,
                value=count,
                message=f'the head tells {count} classes apart, and the data has {len(data.names)}: {shown} '
                f'({data.source}).',
                remedy=f'take {key} out of the config: it is filled in from the data ({len(data.names)}). If {count} '
                'is right, name that many classes in metainfo.classes of the data sets.',
            )
    for dataset in dataset_configs(cfg, splits):
        own = classes_of(dataset)
        if own is not None and own.names and own.names != data.names:
            yield Finding(
                level='error',
                rule='classes-differ',
                file=str(cfg.filename or ''),
                key=f'{dataset.key}.metainfo.classes',
                value=list(own.names[:_SHOWN]),
                message=f'the {dataset.split} set has the classes {_listed(own.names)} ({own.source}), and training '
                f'has {shown} ({data.source}): a number would mean another class in each.',
                remedy='give both the same list, or give it to the training set alone and leave metainfo.classes of '
                'the others out.',
            )
    if counts and all(count == len(data.names) for _, count in counts):
        yield Finding(
            level='ok', rule='classes', message=f'{len(data.names)} classes in data and heads: {shown} ({data.source})'
        )


def _alike(data: ClassNames) -> Iterator[Finding]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(data.names):  # one that stands twice is an error of its own
        groups[re.sub(r'[\s_-]+', '', str(name)).casefold()].append(str(name))
    for names in groups.values():
        if len(names) > 1:
            yield Finding(
                level='warning',
                rule='names-alike',
                file=data.source,
                key='classes',
                value=names,
                message=f'{" and ".join(map(repr, names))} differ in case, spaces or hyphens alone: one class may have '
                'become several by a slip of labelling.',
                remedy=f'if they are one, write {names[-1]!r} everywhere in the labels.',
            )


def _listed(names: Sequence[str]) -> str:
    return ', '.join(map(str, names[:_SHOWN])) + (', ...' if len(names) > _SHOWN else '')
