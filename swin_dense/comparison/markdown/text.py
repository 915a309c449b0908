"""Markdown from values: any text is shown as it is, tables are aligned so that they can be read as plain text, too."""

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# what GitHub takes for markup inside a line; `_` only at the edge of a word, so that names stay legible
_SIGNS = re.compile(r'[\\`*<>\[\]|$~]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])')
# what begins a heading, a list or a rule at the start of a line
_START = re.compile(r'^(?:([#+=-])|(\d+)([.)])(?=\s|$))')
_WIDEST = 60  # columns: longer cells push the others out of line anyway


@dataclass(frozen=True)
class Column:
    """Head of a column of numbers, or of words."""

    head: str
    is_number: bool = True


def plain(text: str) -> str:
    """Text that is shown letter by letter, in one line."""
    line = ' '.join(text.split())
    escaped = _SIGNS.sub(lambda sign: f'\\{sign[0]}', line)
    return _START.sub(lambda start: f'\\{start[1]}' if start[1] else f'{start[2]}\\{start[3]}', escaped)


def code(text: str) -> str:
    """Text as code for a cell of a table, where `|` is escaped even in code."""
    line = ' '.join(text.split()).replace('|', r'\|')
    if not line:
        return ''
    fence = '`' * (1 + max((len(run) for run in re.findall('`+', line)), default=0))
    space = ' ' if line.startswith('`') or line.endswith('`') else ''
    return f'{fence}{space}{line}{space}{fence}'


def code_block(text: str, language: str = '') -> str:
    """Lines as they are, whatever they contain."""
    fence = '`' * max(3, 1 + max((len(run) for run in re.findall('`+', text)), default=0))
    lines = '\n'.join(line.rstrip() for line in text.strip('\n').splitlines())
    return f'{fence}{language}\n{lines}\n{fence}'


def listed(items: Iterable[str]) -> str:
    """Plain texts as a list; their further lines as a list in it."""
    lines = []
    for item in items:
        first, *more = [line for line in item.splitlines() if line.strip()] or ['']
        lines += [f'- {plain(first)}', *(f'  - {plain(line)}' for line in more)]
    return '\n'.join(lines)


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; numbers to the right."""
    cells = [[column.head for column in columns], *(list(row) for row in rows)]
    widths = [
        max([3, *(width for text in place if (width := _width(text)) <= _WIDEST)]) for place in zip(*cells, strict=True)
    ]
    rule = [
        '-' * (width - 1) + ':' if column.is_number else '-' * width
        for column, width in zip(columns, widths, strict=True)
    ]
    return '\n'.join(_line(row, columns, widths) for row in [cells[0], rule, *cells[1:]])


def link(path: Path, folder: Path) -> str:
    """A link to a file from a Markdown file of `folder`: relative, with `/`."""
    return quote(relative(path, folder))


def relative(path: Path, folder: Path) -> str:
    """From `folder`, with `/`; where there is no such way (another drive), as it is."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


def _line(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    padded = []
    for text, column, width in zip(row, columns, widths, strict=True):
        space = ' ' * (width - _width(text))
        padded.append(space + text if column.is_number else text + space)
    return f'| {" | ".join(padded)} |'


def _width(text: str) -> int:
    """Columns of a terminal: East Asian letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in 'WF' else 1 for sign in text
    )
