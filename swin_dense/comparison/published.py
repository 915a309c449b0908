"""Published results by name, to be shown beside a comparison. What is known of them is in the files of `FILES`."""

import difflib
import fnmatch
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from swin_dense.comparison.results import PublishedRow

# of dense models, and of classifiers
FILES = tuple(Path(__file__).with_name(name) for name in ('published.yaml', 'published_classes.yaml'))
ALL = '*'


def published_rows(names: Sequence[str]) -> list[PublishedRow]:
    """The results that are asked for, each once.

    Args:
        names: `mask_rcnn_swin_tiny_coco_3x@swindet`; without `@` and what follows it, that result from all sources;
            with `*`, `?` or `[...]`, all that match, in the order of the file.

    Raises:
        ValueError: a name or pattern that nothing has; it names similar ones.
    """
    found: dict[str, PublishedRow] = {}
    for name in names:
        matching = _matching(name)
        if not matching:
            raise ValueError(_unknown(name))
        found.update({key: published_results()[key] for key in matching})
    return list(found.values())


@lru_cache(maxsize=1)
def published_results() -> Mapping[str, PublishedRow]:
    """All published results by `name@source`."""
    contents = [yaml.safe_load(file.read_text(encoding='utf-8')) for file in FILES]
    return {
        name: _row(name, values, content['sources'])
        for content in contents
        for name, values in content['results'].items()
    }


def _row(name: str, values: Mapping[str, Any], sources: Mapping[str, str]) -> PublishedRow:
    metrics = dict(values)
    model, recipe = metrics.pop('model'), metrics.pop('recipe')
    weights = metrics.pop('weights', '')
    parameters, macs = metrics.pop('parameters_M', None), metrics.pop('macs_G', None)
    return PublishedRow(
        model=model,
        recipe=recipe,
        metrics=metrics,
        parameters=None if parameters is None else parameters * 1e6,
        macs=None if macs is None else macs * 1e9,
        source=sources[name.partition('@')[2]],
        weights=weights,
    )


def _matching(name: str) -> list[str]:
    known = published_results()
    if name in known:
        return [name]
    return [key for key in known if fnmatch.fnmatchcase(key if '@' in name else key.partition('@')[0], name)]


def _unknown(name: str) -> str:
    known = list(published_results())
    results = list(dict.fromkeys(key.partition('@')[0] for key in known))
    similar = difflib.get_close_matches(name, known if '@' in name else results, n=3, cutoff=0.6)
    meant = f' Did you mean {" or ".join(similar)}?' if similar else ''
    return (
        f'there is no published result {name!r}.{meant} A name may have * in it: {results[0].split("_")[0]}* is all '
        f'that begin so, {ALL!r} all there are. These are known:\n  ' + '\n  '.join(known)
    )
