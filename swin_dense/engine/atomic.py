"""Files that are either the old one or the new one, whatever happens in between.

The new content goes to a temporary file in the same folder, is forced to the disk, takes the old file's name in one
step, and the folder's entry is forced to the disk as well. A reader, or a run that starts after a power cut, finds a
whole file.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SUFFIX = '.tmp'


@contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """Give a binary file that becomes `path` when the block ends without an exception, and vanishes otherwise."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(
        f'.{path.name}.{os.getpid()}-{secrets.token_hex(3)}{SUFFIX}'
    )  # pids of two hosts may be equal
    try:
        with open(temporary, 'wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """Replace `path` by a UTF-8 text file."""
    with replacing(path) as file:
        file.write(text.encode())


def remove_leftovers(folder: str | Path) -> None:
    """Delete the temporary files that a killed process left in `folder`."""
    for temporary in Path(folder).glob(f'.*{SUFFIX}'):
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == 'nt':  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
