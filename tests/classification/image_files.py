"""Folders and tar files of small pictures for tests."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, *, height: int = 20, width: int = 30, mode: str = 'RGB') -> Image.Image:
    shape = (height, width) if mode == 'L' else (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def encoded(image: Image.Image, kind: str = 'PNG') -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def write_folders(root: Path, *, classes: tuple[str, ...] = ('cat', 'dog'), count: int = 3) -> dict[str, bytes]:
    """`count` pictures a class; gives name -> content."""
    files = {}
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for each in range(count):
            files[f'{name}/{each}.png'] = encoded(picture(10 * number + each))
    for name, content in files.items():
        (root / name).write_bytes(content)
    return files


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, 'w') as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_tar_of_tars(path: Path, files: dict[str, bytes]) -> None:
    """As ILSVRC2012_img_train.tar: CLASS.tar, with names without folders."""
    outer = {}
    for each in sorted({name.split('/')[0] for name in files}):
        inner = path.with_name(f'{each}.tar')
        write_tar(
            inner, {name.split('/')[1]: content for name, content in files.items() if name.startswith(f'{each}/')}
        )
        outer[f'{each}.tar'] = inner.read_bytes()
        inner.unlink()
    write_tar(path, outer)
