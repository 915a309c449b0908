"""Names of outputs: sub-folders mirrored, unique on every file system, never outside the output folder.

All of it depends on the set of the inputs and on nothing else: neither their order nor what lies in the output folder.
"""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# file systems take 255 bytes, and writers add endings and the marks of a temporary file
MAX_COMPONENT_BYTES = 180

# a folder with such an ending would be in the way of the output of a file: overlays/x.jpg
_OUTPUT_ENDINGS = re.compile(r'\.(?=(?:bmp|gif|jpe?g|json|jsonl|np[yz]|png|tiff?|txt|webp)$)', re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029]')


class _Parts(NamedTuple):
    identity: str
    folders: tuple[str, ...]
    stem: str
    ending: str  # without its dot


def is_web_address(path: str) -> bool:
    """Whether an input is fetched, not opened."""
    return path.lower().startswith(('http://', 'https://'))


def output_names(identities: Sequence[str], roots: Iterable[str]) -> list[str]:
    """A name for each input: a relative POSIX path without the ending, unique without regard to case.

    Inputs that would have one name get their ending, `a_jpg` and `a_png`; what is equal even so, `~` and digits of the
    sha256 of the absolute path or URL. Bytes of a name that are not UTF-8 become `%FF`, signs that paths reserve `_`.

    Args:
        identities: absolute path or URL of each input, all different.
        roots: absolute paths and URLs of the folders given; names are relative to their common parent.
    """
    folders = set(roots)
    local_root = _common([_local_parts(folder) for folder in folders if not is_web_address(folder)])
    web_root = _common([_web_parts(folder) for folder in folders if is_web_address(folder)])
    items = [_split(identity, local_root, web_root) for identity in identities]
    names = [_name(item) for item in items]
    names = _renamed(names, items, lambda item: _name(item, with_ending=True))
    plain = list(names)
    for digits in (8, 16, 64):
        taken = _counts(names)
        for index, item in enumerate(items):
            if taken[_key(names[index])] > 1:
                names[index] = _marked(plain[index], item.identity, digits)
    assert len(set(map(_key, names))) == len(names), 'two inputs have one identity'
    return names


def _renamed(names: list[str], items: list[_Parts], rename: Callable[[_Parts], str]) -> list[str]:
    taken = _counts(names)
    return [rename(item) if taken[_key(name)] > 1 else name for name, item in zip(names, items, strict=True)]


def _counts(names: list[str]) -> Counter[str]:
    return Counter(map(_key, names))


def _key(name: str) -> str:
    """Equal where some file system takes two names for one: case, composed and decomposed letters."""
    return name if name.isascii() and name.islower() else unicodedata.normalize('NFC', name.casefold())


def _name(item: _Parts, *, with_ending: bool = False) -> str:
    stem = f'{item.stem}_{item.ending}' if with_ending and item.ending else item.stem
    folders = (_OUTPUT_ENDINGS.sub('_', _safe(folder)) for folder in item.folders)
    return '/'.join(_fitting(part) for part in (*folders, _safe(stem)))


def _marked(name: str, identity: str, digits: int) -> str:
    folder, slash, stem = name.rpartition('/')
    return f'{folder}{slash}{_fitting(stem, f"~{_digest(identity)[:digits]}")}'


def _safe(part: str) -> str:
    part = re.sub(r'[\udc80-\udcff]', lambda found: f'%{ord(found[0]) - 0xDC00:02X}', part)
    part = re.sub(r'[\ud800-\udfff]', '_', _UNSAFE.sub('_', part))
    return '_' * max(len(part), 1) if not part.strip('. ') else part


def _fitting(part: str, mark: str = '') -> str:
    if len((part + mark).encode()) <= MAX_COMPONENT_BYTES:
        return part + mark
    mark = f'~{_digest(part)[:8]}{mark}'
    return part.encode()[: MAX_COMPONENT_BYTES - len(mark)].decode(errors='ignore') + mark


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()


def _split(identity: str, local_root: tuple[str, ...], web_root: tuple[str, ...]) -> _Parts:
    is_web = is_web_address(identity)
    parts, root = (_web_parts(identity), web_root) if is_web else (_local_parts(identity), local_root)
    if parts[: len(root)] != root:  # the pattern `*/../../x.jpg` leads out of where it starts
        root = ()
    *folders, file = parts[len(root) :]
    stem, ending = os.path.splitext(file)
    return _Parts(identity, tuple(folders), stem, ending[1:])


def _local_parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.replace(os.sep, '/').split('/') if part)


def _web_parts(url: str) -> tuple[str, ...]:
    address = urlsplit(url)
    host = address.netloc.rpartition('@')[2].lower()
    return host, *(unquote(part, errors='surrogateescape') for part in address.path.split('/') if part)


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    if not paths:
        return ()
    first, last = min(paths), max(paths)
    length = next((i for i, part in enumerate(first) if i >= len(last) or part != last[i]), len(first))
    return first[:length]
