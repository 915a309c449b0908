"""Folders of generated data: complete or not there, with a record of how they were made."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORD = 'demo_data.json'


@dataclass(frozen=True)
class DemoData:
    directory: Path
    digest: str
    is_new: bool  # False if it lay there already


def made_folder(directory: str | Path, record: dict[str, Any], write: Callable[[Path], None]) -> DemoData:
    """Have `write` fill a directory that is new, empty, or holds data of the same record already.

    The directory appears when all is written: nothing half done is left behind.
    Raises ValueError if other files are in the way, OSError if it cannot be written.
    """
    directory = Path(directory).resolve()
    if directory.is_dir() and any(directory.iterdir()):
        return _existing(directory, record)
    if directory.exists() and not directory.is_dir():
        raise ValueError(f'The demo data needs a directory; {directory} is a file. Choose another name.')
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.parent / f'.{directory.name}.{os.getpid()}'
    try:
        draft.mkdir()
        write(draft)
        digest = tree_digest(draft)
        (draft / RECORD).write_text(json.dumps(record | {'digest': digest}, indent=2) + '\n', encoding='utf-8')
        draft.replace(directory)  # also where an empty directory was
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return DemoData(directory, digest, is_new=True)


def tree_digest(directory: Path) -> str:
    """Return the SHA-256 of the names and contents of all files below a directory but its record."""
    paths = {path.relative_to(directory).as_posix(): path for path in directory.rglob('*') if path.is_file()}
    paths.pop(RECORD, None)
    lines = [f'{hashlib.sha256(paths[name].read_bytes()).hexdigest()}  {name}\n' for name in sorted(paths)]
    return hashlib.sha256(''.join(lines).encode()).hexdigest()


def _existing(directory: Path, wanted: dict[str, Any]) -> DemoData:
    path = directory / RECORD
    remedy = 'Remove it or choose another directory.'
    if not path.is_file():
        raise ValueError(f'The demo data needs a directory of its own; {directory} holds other files. {remedy}')
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        digest = record.pop('digest')
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path} is not a record of demo data ({error!r}). {remedy}') from error
    if record != wanted:
        raise ValueError(f'{directory} holds other demo data: {record} where {wanted} was asked for. {remedy}')
    if tree_digest(directory) != digest:
        raise ValueError(f'The demo data in {directory} was changed since it was written. {remedy}')
    return DemoData(directory, digest, is_new=False)
