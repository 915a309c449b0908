"""Why a config file cannot be read: the file, the line, and what is wrong there."""

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config

from swin_dense.engine.errors import closest


def refuse_missing(path: Path) -> None:
    """Raise FileNotFoundError where `path` is no file, with what may be meant."""
    if path.is_dir():
        inside = sorted(each.name for each in path.glob('*.py'))
        holds = f' It holds {", ".join(inside[:5])}{" and others" if len(inside) > 5 else ""}.' if inside else ''
        raise IsADirectoryError(f'the config {str(path)!r} is a folder: name a file.{holds}')
    if not path.is_file():
        raise FileNotFoundError(
            f'there is no config {str(path)!r} (looked from {Path.cwd()}).{closest(str(path), _beside(path))}'
        )


def reading_error(error: Exception, path: Path) -> Exception:
    """Give the exception to raise in place of `error`, which reading the config `path` raised."""
    if isinstance(error, SyntaxError):
        return ValueError(_syntax(path) or f'{path}: {error}')
    if isinstance(error, FileNotFoundError):
        missing = _missing_base(path)
        return ValueError(missing) if missing else error
    place = _place(error, path)
    if place is None and isinstance(error, ValueError):  # mmengine's own words
        return error
    return ValueError(f'{place or f"{path} cannot be read"}: {type(error).__name__}: {error}')


def _beside(path: Path) -> list[str]:
    return [str(each) for each in path.parent.glob('*.py')]


def _files(path: Path) -> Iterator[Path]:
    """The file, its bases, and theirs, as far as they can be read."""
    yield path
    try:
        bases = [Path(Config._get_cfg_path(base, str(path))[0]) for base in Config._get_base_files(str(path))]
    except Exception:
        return
    for base in bases:
        if base.is_file():
            yield from _files(base)


def _syntax(path: Path) -> str | None:
    for file in _files(path):
        try:
            compile(file.read_text(encoding='utf-8'), str(file), 'exec')
        except SyntaxError as error:
            line = f': {error.text.strip()}' if error.text else ''
            return f'{file}, line {error.lineno}: {error.msg}{line}'
    return None


def _missing_base(path: Path) -> str | None:
    for file in _files(path):
        for name in Config._get_base_files(str(file)):
            base = Path(Config._get_cfg_path(name, str(file))[0])
            if not base.is_file():
                return f'{file}: _base_ names {name!r}, and there is no file {base}.{closest(str(base), _beside(base))}'
    return None


def _place(error: BaseException, path: Path) -> str | None:
    """The line of a config where an exception comes from: of the file itself, or of one of its bases."""
    # mmengine runs a syntax tree under the file's name; of its own lines none is the user's
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if '/mmengine/' not in frame.filename]
    configs = [frame for frame in frames if frame.name == '<module>' and frame.filename != sys.argv[0]]
    if not configs:
        return None
    return f'{configs[-1].filename}, line {configs[-1].lineno}'
