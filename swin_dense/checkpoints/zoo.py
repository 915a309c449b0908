"""Published weights by short name. What is known of them is in `zoo.yaml`, beside this file."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name('zoo.yaml')


@dataclass(frozen=True)
class WebFile:
    """Attributes:

    url: where it is.
    checksum: algorithm and first digits, as in 'sha256:a1311bcf'; '' where none is published.
    """

    url: str
    checksum: str = ''


@dataclass(frozen=True)
class PublishedWeights:
    """Attributes:

    name: short name.
    files: in order of preference; the same values, perhaps in another key layout.
    trained_on: data, in the order of training.
    published: metric -> per cent, as `source` states them; empty if it states none of these very weights.
    source: repository at a commit, and file.
    licence, licence_source: of the weights, and where it is stated; None if it is not.
    note: what else to know, or ''.
    """

    name: str
    files: tuple[WebFile, ...]
    trained_on: str
    published: Mapping[str, float]
    source: str
    licence: str | None
    licence_source: str
    note: str = ''

    def __str__(self) -> str:
        numbers = ', '.join(f'{metric} {value}' for metric, value in self.published.items()) or 'no published numbers'
        note = f'; {self.note}' if self.note else ''
        return (
            f'{self.name}: {self.trained_on}; {numbers} ({self.source}); licence {self.licence or "not stated"}{note}'
        )


@lru_cache(maxsize=1)
def zoo() -> Mapping[str, PublishedWeights]:
    """All published weights by short name."""
    groups = yaml.safe_load(FILE.read_text(encoding='utf-8'))
    return {
        name: _weights(name, group, fields) for group in groups.values() for name, fields in group['weights'].items()
    }


def _weights(name: str, group: Mapping[str, Any], fields: Mapping[str, Any]) -> PublishedWeights:
    return PublishedWeights(
        name=name,
        files=tuple(WebFile(*file.split()) for file in fields['files']),
        trained_on=fields['trained_on'],
        published=fields['published'] or {},
        source=group['source'],
        licence=group['licence'],
        licence_source=group['licence_source'],
        note=fields.get('note', ''),
    )


def web_file(url: str) -> WebFile:
    """The file at `url`, with its checksum if it is among the published weights."""
    files = (file for weights in zoo().values() for file in weights.files)
    return next((file for file in files if file.url == url), WebFile(url))


def nearest_names(name: str) -> list[str]:
    """Short names that begin with `name`, or that it may be a misspelling of."""
    longer = [other for other in zoo() if name and other.startswith(name)]
    return list(dict.fromkeys([*longer, *difflib.get_close_matches(name, zoo(), n=3, cutoff=0.7)]))[:3]
