"""Bytes from the web into a file, going on where a cut left off."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from mmengine.logging import MMLogger

_SECONDS_OF_SILENCE = 30
_BLOCK = 1 << 16


def fetch(url: str, partial: Path) -> None:
    """Bring the file at `url` into `partial`, the whole of it.

    What an earlier call left there is kept if the server says that it still has the same file, and can go on from its
    middle. A connection that ends early is taken up again as long as it brings something.

    Raises:
        ConnectionError: the rest cannot be had. What arrived stays in `partial`.
    """
    while True:
        before = _size(partial)
        try:
            _receive(url, partial)
            return
        except (OSError, HTTPException) as error:
            if isinstance(error, HTTPError):  # is an open response as well
                error.close()
            if _size(partial) <= before:
                raise ConnectionError(f'{url} cannot be downloaded: {error or type(error).__name__}') from error


class _Redirects(HTTPRedirectHandler):
    """Follows redirects, but not from https to anything else: who is on the way could then give another file."""

    def redirect_request(self, request: Request, *arguments: Any) -> Request | None:
        url = arguments[-1]
        if urlsplit(url).scheme not in {'https', request.type}:
            raise URLError(f'it redirects to {url}, which is not https: refused')
        return super().redirect_request(request, *arguments)


def discard(partial: Path) -> None:
    """Delete what is left of a file that did not become whole, or not the right one."""
    partial.unlink(missing_ok=True)
    _version_file(partial).unlink(missing_ok=True)


def _receive(url: str, partial: Path) -> None:
    version = _read_version(partial)
    start = _size(partial) if version else 0
    headers = {'User-Agent': 'swin_dense', 'Accept-Encoding': 'identity'}
    if start:
        headers |= {'Range': f'bytes={start}-', 'If-Range': version}
    try:
        response = build_opener(_Redirects).open(Request(url, headers=headers), timeout=_SECONDS_OF_SILENCE)
    except HTTPError as error:
        if error.code != 416 or not start:
            raise
        error.close()  # there is nothing after `start`
        if error.headers.get('Content-Range') != f'bytes */{start}':
            discard(partial)
            _receive(url, partial)
        return
    with response:
        _write(response, url, partial, start)


def _write(response: HTTPResponse, url: str, partial: Path, start: int) -> None:
    if response.status != 206:  # the server begins at the beginning
        start = 0
    elif not response.headers.get('Content-Range', '').startswith(f'bytes {start}-'):
        raise ConnectionError('the server sent another part than it was asked for')
    size = start + int(response.headers.get('Content-Length') or 0)
    there = f', {start / 1e6:.0f} MB of it are there' if start else ''
    MMLogger.get_current_instance().info(f'downloading {url} ({size / 1e6:.0f} MB{there})')
    with open(partial, 'ab' if start else 'wb') as file, _progress(start, size) as advance:
        if not start:  # only now: bytes of one version and the name of another must never meet
            _version_file(partial).write_text(_version(response))
        while block := response.read(_BLOCK):
            file.write(block)
            advance(len(block))
    if size > start and _size(partial) < size:
        raise ConnectionError(f'the connection ended after {_size(partial):,} of {size:,} bytes')


def _version(response: HTTPResponse) -> str:
    """What identifies the file that a server has, byte by byte; '' if it does not say."""
    tag = response.headers.get('ETag', '')
    return tag if tag.startswith('"') else response.headers.get('Last-Modified', '')


def _version_file(partial: Path) -> Path:
    return partial.with_name(f'{partial.name}.version')


def _read_version(partial: Path) -> str:
    file = _version_file(partial)
    return file.read_text() if file.is_file() else ''


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def _progress(start: int, size: int) -> Iterator[Callable[[int], object]]:
    """Something to call with the number of bytes that arrived. It draws a bar where somebody can look at it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task('', total=size or None, completed=start)
        yield lambda count: progress.advance(task, count)
