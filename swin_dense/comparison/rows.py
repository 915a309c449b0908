"""`results.jsonl` and `results.csv`: a row for each run.

A line is appended in one write and forced to the disk, so that commands that append at the same time, or are killed,
leave whole lines; of several lines of one run the last one counts.
"""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swin_dense.comparison.results import RunRecord
from swin_dense.engine.atomic import write_text

ROWS = 'results.jsonl'
_FIRST = ('name', 'seed', 'state', 'task', 'recipe', 'data', 'train_hours')
_LAST = ('config', 'folder', 'reason')


def row_of(record: RunRecord) -> dict[str, Any]:
    """A record as plain values."""
    values = {**vars(record), 'folder': str(record.folder)}
    return json.loads(json.dumps(values, default=str, allow_nan=False))


def append_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append the rows that differ from what the file says of their run."""
    told = {_run(row): row for row in read_rows(path)[0]}
    for row in rows:
        if told.get(_run(row)) != row:
            _append(path, row)


def _append(path: Path, row: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b'\n'  # by a power cut: what follows is a line anew
        line = (b'\n' if is_torn else b'') + json.dumps(row, allow_nan=False).encode() + b'\n'
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(f'{path}: {written} of {len(line)} bytes were written. Is the disk full?')
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_rows(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The last row of each run, in the order in which runs first appear; and notes on lines that are not whole."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    notes = []
    if not path.is_file():
        return [], []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            row = json.loads(line)
            rows[_run(row)] = row
        except (ValueError, KeyError, TypeError):
            if line.strip():
                notes.append(f'{path.name}: line {number} is not whole and was left out')
    return list(rows.values()), notes


def write_csv(path: Path, records: Sequence[RunRecord]) -> None:
    """Replace the table: metrics and scores by class are columns of their own."""
    rows = [_flat(record) for record in records]
    inner = dict.fromkeys(key for row in rows for key in row if key not in (*_FIRST, *_LAST))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_FIRST, *inner, *_LAST], restval='', lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _flat(record: RunRecord) -> dict[str, Any]:
    plain = row_of(record)
    row = {key: plain[key] for key in (*_FIRST, *_LAST)}
    row.update({f'metric/{name}': value for name, value in plain['metrics'].items()})
    for score, classes in plain['by_class'].items():
        row.update({f'{score}/{name}': value for name, value in classes.items()})
    return {key: '' if value is None else value for key, value in row.items()}


def _run(row: Mapping[str, Any]) -> tuple[str, int]:
    return row['name'], row['seed']
