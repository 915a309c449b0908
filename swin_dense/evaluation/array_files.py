"""Files of named arrays: one .npz, replaced in one step, of which nothing is executed when it is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from swin_dense.engine.atomic import replacing

_FORMAT = 'format'


def save_arrays(path: str | Path, content: str, arrays: Mapping[str, Any]) -> None:
    """Replace `path`; `content` says what it holds, with a version."""
    with replacing(path) as file:
        named: dict[str, Any] = {_FORMAT: np.asarray(content), **arrays}
        np.savez_compressed(file, **named)


def load_arrays(path: str | Path, content: str, names: set[str]) -> dict[str, np.ndarray]:
    """The arrays of a file of `save_arrays`.

    Raises:
        ValueError: the file is damaged, or holds something else than `content` with exactly these names.
    """
    try:
        with open(path, 'rb') as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        found = str(arrays.pop(_FORMAT, 'no swin_dense format'))
        if found != content or arrays.keys() != names:
            raise ValueError(f'it has {found}: {", ".join(sorted(arrays))}')
    except (ValueError, EOFError, BadZipFile, AttributeError) as error:
        raise ValueError(
            f'{path} does not hold {content} ({error}). Test the run again: that writes the file anew.'
        ) from error
    return arrays
