"""What the inputs of a command stand for: files, folders, patterns, lists of paths, addresses, videos.

An argument that matches nothing is the user's error. What is wrong inside a folder or a list is reported beside what
was found, so that one dangling link does not end a run over 100,000 pictures.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from swin_dense.engine.errors import closest
from swin_dense.inference.folders import FOLDER, expanded, has_pattern, pattern_root, walk
from swin_dense.inference.output_names import is_web_address, output_names

# fmt: off
IMAGE_SUFFIXES = frozenset((
    '.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.dib', '.gif', '.tif', '.tiff', '.webp', '.avif', '.jp2', '.j2k',
    '.pbm', '.pgm', '.ppm', '.pnm',
))
VIDEO_SUFFIXES = frozenset(('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv'))
# fmt: on
INPUT_SUFFIXES = IMAGE_SUFFIXES | VIDEO_SUFFIXES
LIST_SUFFIXES = frozenset(('.txt', '.lst'))


@dataclass(frozen=True)
class Source:
    """Attributes:

    index: position in the order of all inputs (before any sharding), from 0.
    path: local path or URL, as shown to the user.
    name: of its outputs: relative POSIX path without suffix, unique over all sources.
    is_video: a video by its suffix.
    """

    index: int
    path: str
    name: str
    is_video: bool


@dataclass(frozen=True)
class Listing:
    """Attributes:

    sources: the inputs, each once, in the order given; those of a folder in natural order.
    failed: (path, reason) of what should have been an input and cannot be one.
    skipped: how many files of folders have other endings, by ending: '.txt' -> 5.
    """

    sources: tuple[Source, ...]
    failed: tuple[tuple[str, str], ...]
    skipped: Mapping[str, int]


def find_sources(inputs: Sequence[str], *, stdin: TextIO | None = None) -> Listing:
    """Find the pictures and videos that the arguments of a command stand for.

    Args:
        inputs: each a file, a folder, a glob pattern, a list of paths (.txt or .lst, one a line), a URL (http, https,
            file), or '-' for paths on `stdin`.
        stdin: sys.stdin if None.

    Raises:
        FileNotFoundError: an argument matches nothing.
        ValueError: an argument is not of these kinds, or names nothing that is a picture.
    """
    found = _Found()
    for argument in inputs:
        before = found.met
        if argument == '-':
            stdin = stdin or sys.stdin
            binary = getattr(stdin, 'buffer', stdin)  # names need not be of the encoding of the terminal
            found.take_list('-', binary.read(), folder='')
        elif os.path.splitext(argument)[1].lower() in LIST_SUFFIXES and os.path.isfile(argument):
            with open(argument, 'rb') as file:
                found.take_list(argument, file.read(), folder=os.path.dirname(argument))
        else:
            found.take(argument)
        if found.met == before:
            raise ValueError(_empty(argument, found.skipped))
    names = output_names(list(found.paths), found.roots)
    sources = tuple(
        Source(index, path, name, _suffix(path) in VIDEO_SUFFIXES)
        for index, (path, name) in enumerate(zip(found.paths.values(), names, strict=True))
    )
    return Listing(sources, tuple(found.failed.items()), dict(sorted(found.skipped.items())))


@dataclass
class _Found:
    paths: dict[str, str] = field(default_factory=dict)  # identity -> path as shown
    roots: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    met: int = 0  # inputs and failures, those that were known included

    def take(self, argument: str) -> None:
        """An argument that is neither a list nor '-'. Raises FileNotFoundError or ValueError."""
        if '\0' in argument:
            raise ValueError(f'{argument!r} is not a path: a zero byte is in it.')
        path = argument if os.path.lexists(argument) else os.path.expanduser(argument)
        if is_web_address(path):
            self._take_web_address(path)
        elif os.path.isdir(path):
            self._take_folder(path, path)
        elif os.path.lexists(path):
            self._take_file(path)
        elif '://' in path:
            self._take_file_url(path)
        elif has_pattern(path):
            self._take_pattern(path)
        else:
            raise FileNotFoundError(_missing(path))

    def take_list(self, name: str, content: bytes | str, *, folder: str) -> None:
        """A list of paths, one a line, from `folder` or the current one."""
        lines = [line for line in _lines(content) if line.strip() and not line.lstrip().startswith('#')]
        if not lines:
            where = 'standard input' if name == '-' else f'the list {name!r}'
            raise ValueError(f'{where} names no path; it takes one a line. Blank lines and # comments are skipped.')
        for line in lines:
            spellings = dict.fromkeys((line, line.strip()))
            places = [path for spelling in spellings for path in (os.path.join(folder, spelling), spelling)]
            path = next((place for place in places if '\0' not in place and os.path.lexists(place)), line.strip())
            before = self.met
            if os.path.isfile(path) and _suffix(path) in LIST_SUFFIXES:
                self._fail(path, 'a list inside a list')
                continue
            try:
                self.take(path)
            except FileNotFoundError:
                self._fail(path, f'no such file; {"standard input" if name == "-" else name} names it')
            except ValueError as error:
                self._fail(path, str(error))
            if self.met == before:
                self._fail(path, 'a folder without pictures')

    def _add(self, identity: str, path: str, root: str) -> None:
        self.met += 1
        self.paths.setdefault(identity, path)
        self.roots.add(root)

    def _fail(self, path: str, reason: str) -> None:
        self.met += 1
        self.failed[path] = reason

    def _take_file(self, path: str) -> None:
        if not os.path.exists(path):
            self._fail(path, 'dangling link' if os.path.islink(path) else 'no permission to look at it')
        elif not os.path.isfile(path):
            self._fail(path, 'a pipe, socket or device, not a file')
        else:
            self._add(_identity(path), path, os.path.dirname(_identity(path)))

    def _take_folder(self, folder: str, root: str) -> None:
        absolute, before = _identity(root), self.met
        suspects = [folder] if _suffix(folder) in INPUT_SUFFIXES else []
        for path, problem in walk(folder):
            suffix = _suffix(path)
            if problem == FOLDER:
                suspects += [path] * (suffix in INPUT_SUFFIXES)
            elif problem and (suffix in INPUT_SUFFIXES or not suffix or os.path.isdir(path)):
                self._fail(path, problem)
            elif suffix in INPUT_SUFFIXES:
                self._add(_below(absolute, root, path), path, absolute)
            else:
                self.skipped[suffix] += 1
        new = [*self.paths.values(), *self.failed] if suspects and self.met > before else []
        for suspect in suspects:
            if not any(path.startswith(os.path.join(suspect, '')) for path in new):
                self._fail(suspect, FOLDER)

    def _take_pattern(self, pattern: str) -> None:
        root = pattern_root(pattern)
        matches = list(expanded(pattern))
        if not matches:
            reason = '' if os.path.isdir(root) else '; there is no such folder'
            raise FileNotFoundError(
                f'the pattern {pattern!r} matches nothing (looked in {os.path.abspath(root)}{reason}).'
            )
        absolute = _identity(root)
        is_explicit = bool(_suffix(pattern)) and not has_pattern(_suffix(pattern))
        for path, problem in matches:
            if os.path.isdir(path) and not problem:
                self._take_folder(path, root)
            elif not is_explicit and _suffix(path) not in INPUT_SUFFIXES:
                self.skipped[_suffix(path)] += 1
            elif problem or not os.path.isfile(path):
                self._fail(path, problem or 'dangling link, or no file')
            else:
                self._add(_below(absolute, root, path), path, absolute)

    def _take_file_url(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme.lower() != 'file' or address.netloc not in ('', 'localhost'):
            raise ValueError(f'{url}: an input is a path, or a URL with http://, https:// or file:/// before it.')
        path = url2pathname(address.path)
        if not os.path.lexists(path):
            raise FileNotFoundError(_missing(path))
        self.take(path)

    def _take_web_address(self, url: str) -> None:
        if not urlsplit(url).hostname:
            raise ValueError(f'{url} names no host.')
        address = url.partition('#')[0]
        self._add(address, url, address.partition('?')[0].rpartition('/')[0] + '/')


def _lines(content: bytes | str) -> Iterator[str]:
    if isinstance(content, bytes):
        is_utf16 = content[:2] in (b'\xff\xfe', b'\xfe\xff')
        content = content.decode('utf-16', 'replace') if is_utf16 else content.decode('utf-8', 'surrogateescape')
    content = content.removeprefix('\ufeff')
    ending = '\0' if '\0' in content else '\n'  # as `find -print0` writes
    return (line.removesuffix('\r') for line in content.split(ending))


def _identity(path: str) -> str:
    """Equal for two spellings of one path. Links count as files of their own, but `link/..` is where the link leads."""
    if '..' in path.split(os.sep):
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return os.path.abspath(path)


def _below(absolute: str, root: str, path: str) -> str:
    """The identity of a path that was found below `root`, whose identity is `absolute`."""
    start = len(os.path.join(root, ''))
    return os.path.normpath(os.path.join(absolute, path if root == '.' and path[:2] != './' else path[start:]))


def _suffix(path: str) -> str:
    if is_web_address(path):
        path = urlsplit(path).path
    return os.path.splitext(path.rstrip('/'))[1].lower()


def _missing(path: str) -> str:
    folder, name = os.path.split(path.rstrip('/'))
    while folder and not os.path.isdir(folder):
        folder, name = os.path.split(folder)
    try:
        suggestion = closest(name, os.listdir(folder or '.'))
    except OSError:
        suggestion = ''
    where = f'in {folder!r} is no {name!r}, ' if folder else ''
    return f'there is no file or folder {path!r} ({where}looked from {os.getcwd()}).{suggestion}'


def _empty(argument: str, skipped: Mapping[str, int]) -> str:
    others = ', '.join(f'{count:,} {suffix or "without ending"}' for suffix, count in sorted(skipped.items()))
    return (
        f'there is no picture or video in {argument!r} (looked from {os.getcwd()})'
        f'{"; skipped: " if others else ""}{others}. '
        f'Endings taken: {" ".join(sorted(INPUT_SUFFIXES))}; name a file itself to have it taken whatever its ending.'
    )
