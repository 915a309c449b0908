"""Files named by URL, kept in a cache. Only what can be read as a checkpoint gets there, whole or not at all."""

import os
import shutil
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, url2pathname, urlopen
from zlib import crc32

from mmengine.logging import MMLogger

from swin_dense.checkpoints.files import read_checkpoint

HOME_VARIABLE = 'SWIN_DENSE_HOME'
_SECONDS_OF_SILENCE = 30


def local_file(source: str | Path) -> Path:
    """The file that a path, a `file://` URL or a web address stands for, downloaded if need be.

    Raises:
        ValueError: the scheme of the URL is unknown, or the address gives something else than a checkpoint.
        ConnectionError: the address cannot be reached.
    """
    if isinstance(source, Path) or '://' not in source:
        return Path(source).expanduser()
    parts = urlsplit(source)
    if parts.scheme == 'file':
        if parts.netloc not in ('', 'localhost'):
            raise ValueError(f'{source}: a file URL has three slashes before the path, file:///folder/name.pth.')
        return Path(url2pathname(parts.path))
    if parts.scheme not in ('http', 'https'):
        raise ValueError(f'{source}: weights come from a path, or a URL with file://, http:// or https://.')
    target = cached_file(source)
    if not target.is_file():
        _download(source, target)
    return target


def cached_file(url: str) -> Path:
    """Where the file at `url` is kept: in $SWIN_DENSE_HOME/checkpoints, by host and path.

    The whole address, because different weights have equal file names on different sites.
    """
    home = Path(os.environ.get(HOME_VARIABLE) or '~/.cache/swin_dense').expanduser()
    parts = urlsplit(url)
    folders = [part for part in unquote(parts.path).split('/') if part not in ('', '.', '..')]
    if not folders:
        raise ValueError(f'{url} names no file.')
    if parts.query:
        folders.insert(-1, f'{crc32(parts.query.encode()):08x}')
    return home.joinpath('checkpoints', parts.netloc.rpartition('@')[2].replace(':', '_'), *folders)


def _download(url: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # of this process alone: several may want the file at once, and the last to finish wins with the same content
    temporary = target.with_name(f'.{os.getpid()}.{target.name}')
    try:
        _fetch(url, temporary, target)
        try:
            read_checkpoint(temporary)
        except ValueError as error:
            raise ValueError(f'{url} gave no checkpoint, and nothing was kept: {error}') from None
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _fetch(url: str, temporary: Path, target: Path) -> None:
    logger = MMLogger.get_current_instance()
    try:
        request = Request(url, headers={'User-Agent': 'swin_dense'})
        with urlopen(request, timeout=_SECONDS_OF_SILENCE) as response, open(temporary, 'wb') as file:
            size = int(response.headers.get('Content-Length') or 0)
            logger.info(f'downloading {url} ({size / 1e6:.0f} MB) to {target}')
            shutil.copyfileobj(response, file, length=1 << 20)
            received = file.tell()
        if size and received < size:
            raise ConnectionError(f'the connection ended after {received:,} of {size:,} bytes')
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):  # is an open response as well
            error.close()
        raise ConnectionError(
            f'{url} cannot be downloaded: {error}. Without a connection, get {target.name} on another machine '
            f'and put it at {target} (the cache is under ${HOME_VARIABLE}), or give its path in place of the URL.'
        ) from error
