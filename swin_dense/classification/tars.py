"""Images in tar files: where each lies, so that it is read without unpacking.

A tar of images in a folder for each class, or, as ILSVRC2012_img_train.tar, a tar of a tar for each class. What is
found is kept beside the tar, or in the user's cache where that cannot be written.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from tqdm import tqdm

from swin_dense.checkpoints.download import home_folder
from swin_dense.engine.errors import DataError
from swin_dense.evaluation.array_files import load_arrays, save_arrays

_CONTENT = 'swin_dense members of a tar 1'
Member = tuple[str, int, int]  # name, first byte, number of bytes


def tar_members(path: str) -> list[Member]:
    """Images of a tar file in their order, `CLASS/NAME` of a tar of tars; kept for the next time.

    Raises:
        DataError: it cannot be read, or is compressed, so that nothing in it can be found by its place.
    """
    state = os.stat(path)
    key = np.array([state.st_size, state.st_mtime_ns])
    hashed = hashlib.sha256(os.path.abspath(path).encode()).hexdigest()[:16]
    places = [Path(f'{path}.index.npz'), home_folder() / 'tars' / f'{hashed}.npz']
    for place in places:
        if place.is_file() and (kept := _kept(place, key)) is not None:
            return kept
    found = list(tqdm(_members(path), f'looking through {os.path.basename(path)}', unit=' images', disable=None))
    for place in places:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _keep(place, key, found)
            break
        except OSError:  # of a read-only data set
            continue
    return found


def read_slice(path: str, start: int, size: int) -> bytes:
    """Bytes of a file; safe in threads and forks, as nothing is kept open."""
    with open(path, 'rb') as file:
        content = os.pread(file.fileno(), size, start)
    if len(content) < size:
        raise OSError(f'{path} ends after {len(content)} of {size} bytes of the image')
    return content


def _members(path: str) -> Iterator[Member]:
    try:
        with tarfile.open(path, 'r:') as tar:
            for member in tar:
                if not member.isfile():
                    continue
                if member.name.endswith('.tar'):
                    yield from _inner(path, member)
                else:
                    yield member.name.removeprefix('./'), member.offset_data, member.size
    except tarfile.TarError as error:
        raise DataError(
            f'{path} cannot be read as a tar file: {error}. It has to be uncompressed (gunzip it), and whole.'
        ) from None


def _inner(path: str, outer: tarfile.TarInfo) -> Iterator[Member]:
    """Of a tar in a tar, which is named as its class."""
    folder = Path(outer.name).stem
    with open(path, 'rb') as file:
        file.seek(outer.offset_data)
        # offsets of its members are from where it starts
        with tarfile.open(fileobj=file, mode='r:') as tar:
            for member in tar:
                if member.isfile():
                    yield f'{folder}/{os.path.basename(member.name)}', member.offset_data, member.size


def _kept(place: Path, key: np.ndarray) -> list[Member] | None:
    try:
        arrays = load_arrays(place, _CONTENT, {'key', 'names', 'slices'})
    except (ValueError, OSError) as error:
        print_log(f'{place} is made anew: {error}', 'current')
        return None
    if not np.array_equal(arrays['key'], key):
        return None
    names = arrays['names'].tobytes().decode('utf-8', 'surrogateescape').split('\0') if arrays['names'].size else []
    return [(name, int(start), int(size)) for name, (start, size) in zip(names, arrays['slices'], strict=True)]


def _keep(place: Path, key: np.ndarray, found: list[Member]) -> None:
    names = '\0'.join(name for name, *_ in found).encode('utf-8', 'surrogateescape')
    arrays = {
        'key': key,
        'names': np.frombuffer(names, dtype=np.uint8),
        'slices': np.array([member[1:] for member in found], dtype=np.int64).reshape(-1, 2),
    }
    save_arrays(place, _CONTENT, arrays)
