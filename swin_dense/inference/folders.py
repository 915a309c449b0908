"""Folders walked and patterns expanded, in natural order: img2 before img10. Hidden entries are left out."""

import fnmatch
import glob
import os
import re
from collections.abc import Iterator
from contextlib import suppress

FOLDER = 'a folder, not a picture'


def walk(folder: str) -> Iterator[tuple[str, str]]:
    """(path, problem) of all that is below `folder`; '' is no problem, FOLDER stands for a folder.

    Linked folders are followed, unless they lead to a folder that they lie in.
    """
    found = list(_entries(folder))
    start = len(os.path.join(folder, ''))
    found.sort(key=lambda item: natural_key(item[0][start:]))
    yield from found


def expanded(pattern: str) -> Iterator[tuple[str, str]]:
    """(path, problem) of what matches a glob pattern, files and folders; `**` is any number of folders."""
    root = pattern_root(pattern)
    if '**' not in pattern.split('/'):
        yield from ((path, '') for path in sorted(glob.iglob(pattern), key=natural_key))
        return
    # glob itself follows linked folders in circles
    start = len(os.path.join(root, '')) if pattern.startswith(f'{root.rstrip("/")}/') else 0
    patterns = pattern[start:].split('/')
    for path, problem in walk(root):
        path = path if start else os.path.relpath(path, root)
        if problem != FOLDER and _matches(path[start:].split('/'), patterns):
            yield path, problem


def has_pattern(path: str) -> bool:
    """Whether a sign of a glob pattern is in a path."""
    return glob.has_magic(path)


def pattern_root(pattern: str) -> str:
    """The folders before the first sign of a pattern, '.' if there are none."""
    plain = []
    for part in pattern.split('/')[:-1]:
        if has_pattern(part):
            break
        plain.append(part)
    return '/'.join(plain) or ('/' if pattern.startswith('/') else '.')


def natural_key(path: str) -> tuple[str, str]:
    """Orders paths part by part, numbers by their value, letters without their case; never two paths alike."""
    # zero is before every sign of a name: a folder's files stay together
    return re.sub('[0-9]+', _padded, path.casefold()).replace('/', '\0'), path


def _padded(number: re.Match[str]) -> str:
    return number[0].zfill(20)


def _entries(folder: str) -> Iterator[tuple[str, str]]:
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [(folder, frozenset(_above(folder)))]
    while waiting:
        current, above = waiting.pop()
        try:
            status = os.stat(current)
            identity = status.st_dev, status.st_ino
            if identity in above:
                continue
            with os.scandir(current) as entries:
                for entry in entries:
                    if entry.name.startswith('.'):
                        continue
                    problem = _problem(entry)
                    if problem == FOLDER:
                        waiting.append((entry.path, above | {identity}))
                    yield entry.path, problem
        except OSError as error:
            yield current, f'a folder that cannot be read: {error.strerror}'


def _above(folder: str) -> Iterator[tuple[int, int]]:
    parent = os.path.realpath(folder)
    while parent != os.path.dirname(parent):
        parent = os.path.dirname(parent)
        with suppress(OSError):
            status = os.stat(parent)
            yield status.st_dev, status.st_ino


def _problem(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_dir():
            return FOLDER
        if entry.is_file():
            return ''
        if entry.is_symlink() and not os.path.exists(entry.path):
            return 'dangling link'
    except OSError as error:
        return error.strerror or 'cannot be looked at'
    return 'a pipe, socket or device, not a file'


def _matches(parts: list[str], patterns: list[str]) -> bool:
    """Whether a path, or a folder that it lies in, matches."""
    if not patterns:
        return True
    if patterns[0] == '**':
        return len(patterns) == 1 or any(_matches(parts[skipped:], patterns[1:]) for skipped in range(len(parts)))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], patterns[0]) and _matches(parts[1:], patterns[1:])
