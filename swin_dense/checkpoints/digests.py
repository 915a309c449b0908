"""Checksums of files, and those in the names of published ones."""

import hashlib
import re
from pathlib import Path

from swin_dense.checkpoints.tensor_files import is_of_this_package

# digits of the sha256 at the end of a name, as tools/publish.py writes it
NUM_DIGITS = 8
_NAME = re.compile(rf'-([0-9a-f]{{{NUM_DIGITS}}})$')


def digest(path: Path, algorithm: str = 'sha256') -> str:
    """The checksum of a file, in hexadecimal digits."""
    made = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            made.update(block)
    return made.hexdigest()


def without_digest(path: Path) -> str:
    """The name of a file less its suffix, and less the first digits of its checksum if it ends in those."""
    found = _NAME.search(path.stem)
    return path.stem[: found.start()] if found and digest(path).startswith(found[1]) else path.stem


def says_digest(path: Path) -> bool:
    """Whether the name is like that of a published file, so that its content has to be what the name says."""
    return path.suffix == '.safetensors' and _NAME.search(path.stem) is not None


def refuse_changed(path: Path) -> None:
    """Raise ValueError if the name of a safetensors file of this package says that its content was another.

    Digits in the names of other files can be anything, a date for one.
    """
    found = _NAME.search(path.stem)
    if not found or not says_digest(path) or not is_of_this_package(path):
        return
    if not (content := digest(path)).startswith(found[1]):
        raise ValueError(
            f'{path} has changed since it was published: its sha256 is {content}, and its name says {found[1]}. Get it '
            'again; if its name ends so for another reason, give it another one.'
        )
