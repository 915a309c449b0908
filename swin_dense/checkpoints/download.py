"""Weights named by path, URL or short name. What comes from the web is kept in a cache: whole and checked, or not.

Beside a file of the cache is its record, `<name>.json`: where it is from and its sha256. A file that changes, in the
cache or at its address, is refused.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname
from zlib import crc32

from filelock import FileLock, Timeout
from mmengine.logging import MMLogger

from swin_dense.checkpoints.digests import digest
from swin_dense.checkpoints.files import read_checkpoint, refuse_what_is_no_checkpoint
from swin_dense.checkpoints.transfer import discard, fetch
from swin_dense.checkpoints.zoo import FILE as ZOO_FILE
from swin_dense.checkpoints.zoo import WebFile, nearest_names, web_file, zoo

HOME_VARIABLE = 'SWIN_DENSE_HOME'


def local_file(source: str | Path) -> Path:
    """The file that a path, a `file://` URL, a web address or a short name stands for, downloaded if need be.

    A file that is there goes before a short name, and that before a folder. Where there are both, the log says so.

    Raises:
        FileNotFoundError: there is no such path, and no such name.
        ValueError: the scheme of the URL is unknown, or the address gives something else than it should.
        ConnectionError: the address cannot be reached.
    """
    if isinstance(source, Path):
        return source.expanduser()
    if '://' in source:
        return _file_of_url(source)
    path = Path(source).expanduser()
    if source in zoo() and path.exists():
        taken = ('the file', 'are published weights') if path.is_file() else ('the published weights', 'is a folder')
        MMLogger.get_current_instance().warning(f'{source}: {taken[0]}, though there {taken[1]} of this name')
    if path.is_file() or (path.exists() and source not in zoo()):
        return path
    if source in zoo():
        return _first_available(source, zoo()[source].files)
    raise FileNotFoundError(
        f'there is no checkpoint {source!r} (looked from {Path.cwd()}), and no published weights have that name.'
        f'{_suggestion(path)} All names are in {ZOO_FILE}.'
    )


def home_folder() -> Path:
    """Where what was fetched or found out once is kept: $SWIN_DENSE_HOME, or a folder in ~/.cache."""
    return Path(os.environ.get(HOME_VARIABLE) or '~/.cache/swin_dense').expanduser()


def cached_file(url: str) -> Path:
    """Where the file at `url` is kept: in $SWIN_DENSE_HOME/checkpoints, by host and path.

    The whole address, because different weights have equal file names on different sites. All but https are in a folder
    of their scheme, as what came by http is not what https would have given.
    """
    parts = urlsplit(url)
    folders = [part for part in unquote(parts.path).split('/') if part not in ('', '.', '..')]
    if not folders:
        raise ValueError(f'{url} names no file.')
    if parts.query:
        folders.insert(-1, f'{crc32(parts.query.encode()):08x}')
    scheme = () if parts.scheme == 'https' else (parts.scheme,)
    return home_folder().joinpath('checkpoints', *scheme, parts.netloc.rpartition('@')[2].replace(':', '_'), *folders)


def _suggestion(path: Path) -> str:
    names = nearest_names(path.stem if path.suffix in ('.pth', '.pt', '.safetensors') else path.name)
    return f' Did you mean {" or ".join(map(repr, names))}?' if names else ''


def _file_of_url(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme == 'file':
        if parts.netloc not in ('', 'localhost'):
            raise ValueError(f'{url}: a file URL has three slashes before the path, file:///folder/name.pth.')
        return Path(url2pathname(parts.path))
    if parts.scheme not in ('http', 'https'):
        raise ValueError(f'{url}: weights come from a path, or a URL with file://, http:// or https://.')
    return _first_available(url, (web_file(url),))


def _first_available(source: str, files: tuple[WebFile, ...]) -> Path:
    for file in files:
        if cached_file(file.url).is_file():
            return _cached(file)
    reasons: list[str] = []
    wrong: list[str] = []
    for file in files:
        try:
            return _downloaded(file)
        except (ConnectionError, _WrongFileError) as error:
            (wrong if isinstance(error, _WrongFileError) else reasons).append(str(error))
            if file is not files[-1]:
                MMLogger.get_current_instance().warning(f'{error}; trying the next address of {source}')
    if wrong:
        raise ValueError('; '.join([*wrong, *reasons]))
    raise ConnectionError(_offline(source, files, reasons))


class _WrongFileError(ValueError):
    """What an address gave is not the file: a page in its place, or other bytes than were published."""


def _offline(source: str, files: tuple[WebFile, ...], reasons: list[str]) -> str:
    places = ''.join(f'\n  {file.url}{_expected(file)}\n    -> {cached_file(file.url)}' for file in files)
    one = 'the file' if len(files) == 1 else 'one of the files'
    return (
        f'{"; ".join(reasons)}.\n'
        f'Without a connection, get {one} on another machine and put it where the cache, which is under '
        f'${HOME_VARIABLE}, looks for it:{places}\nor give its path in place of {source}.'
    )


def _expected(file: WebFile) -> str:
    algorithm, _, digits = file.checksum.partition(':')
    return f' ({algorithm} begins with {digits})' if digits else ''


def _downloaded(file: WebFile) -> Path:
    target = cached_file(file.url)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target):
        if target.is_file():  # by the process that had the lock
            return _cached(file)
        partial = target.with_name(f'.partial.{target.name}')
        fetch(file.url, partial)
        try:
            _check_start(partial, file.url)
            record = _checked(partial, file, f'what {file.url} gives')
            _check_content(partial, file.url)
        except ValueError:
            discard(partial)
            raise
        _write_record(target, record)
        os.replace(partial, target)
        discard(partial)
    published = 'as published' if file.checksum else 'no checksum is published; a later download has to be equal'
    MMLogger.get_current_instance().info(f'{target}: sha256 {record["sha256"]}, {published}')
    return target


def _check_start(partial: Path, url: str) -> None:
    """A page in place of the file is called one; this looks at the first bytes, and parses nothing."""
    with _no_checkpoint(url):
        refuse_what_is_no_checkpoint(partial)


def _check_content(partial: Path, url: str) -> None:
    """After the checksum: what is not what was published is not even read."""
    with _no_checkpoint(url):
        read_checkpoint(partial, lazy=True)


@contextmanager
def _no_checkpoint(url: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise _WrongFileError(f'{url} gave no checkpoint, and nothing was kept: {error}') from None


def _cached(file: WebFile) -> Path:
    """The file of the cache, checked when it is new there, or has changed."""
    target = cached_file(file.url)
    status, record = target.stat(), _read_record(target)
    known = record.get('size'), record.get('modified'), record.get('published_checksum')
    if known != (status.st_size, status.st_mtime_ns, file.checksum or None):
        record = _checked(target, file, f'{target}')
        read_checkpoint(target, lazy=True)  # before it is known: a page put there by hand is not what others must equal
        with suppress(OSError):  # a cache that others fill may be read-only
            _write_record(target, record)
    return target


def _checked(path: Path, file: WebFile, what: str) -> dict[str, Any]:
    """The record of a file that is what was published, and what it was before."""
    target = cached_file(file.url)
    algorithm, _, digits = file.checksum.partition(':')
    found = {name: digest(path, name) for name in {'sha256', algorithm or 'sha256'}}
    if digits and not found[algorithm].startswith(digits):
        remedy = f'Delete {path} to download it again.' if path == target else 'Nothing was kept; try again.'
        raise _WrongFileError(
            f'{what} is not what was published: its {algorithm} is {found[algorithm]}, and should begin with {digits}. '
            f'{remedy}'
        )
    content, pinned = found['sha256'], _read_record(target).get('sha256', '')
    if pinned not in ('', content):
        raise ValueError(
            f'{what} has changed: its sha256 was {pinned} and is {content}. It is not used. If the change is meant, '
            f'delete {_record_file(target)}.'
        )
    status = path.stat()
    return {
        'url': file.url,
        'sha256': content,
        'published_checksum': file.checksum or None,
        'size': status.st_size,
        'modified': status.st_mtime_ns,
        'checked': time.strftime('%Y-%m-%d %H:%M:%S'),
    }


def _record_file(target: Path) -> Path:
    return target.with_name(f'{target.name}.json')


def recorded_sha256(file: WebFile) -> str:
    """Of what `file` was when it was downloaded; '' if it was not."""
    return _read_record(cached_file(file.url)).get('sha256', '')


def _read_record(target: Path) -> dict[str, Any]:
    try:
        return json.loads(_record_file(target).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _write_record(target: Path, record: dict[str, Any]) -> None:
    temporary = target.with_name(f'.{os.getpid()}.{target.name}.json')
    temporary.write_text(json.dumps(record, indent=1) + '\n')
    os.replace(temporary, _record_file(target))


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One process at a time; the lock of a process that ends in any way is free."""
    lock = FileLock(target.with_name(f'.{target.name}.lock'))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        MMLogger.get_current_instance().info(f'waiting for another process that downloads {target.name}')
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
