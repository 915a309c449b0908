"""A site on this machine that behaves like those that keep weights, and like broken ones; and what it leaves behind."""

import functools
import hashlib
import http.server
import json
import re
import threading
import time
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.download import cached_file
from tests.checkpoints.models import assert_equal_states, copied, small_swin


class Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, *arguments, site):
        self.site = site
        super().__init__(*arguments)

    def do_GET(self):
        self.site.requests.append((self.path, self.headers.get('Range')))
        file = self.site.folder / self.path.rpartition('/')[2]
        if file.name in self.site.moved:
            self.send_response(302)
            self.send_header('Location', self.site.moved[file.name])
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if not file.is_file():
            self.send_error(404)
            return
        content, has_parts = file.read_bytes(), self.site.manner != 'whole'
        tag = f'"{hashlib.sha1(content).hexdigest()}"'
        start = self._start(tag) if has_parts else 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header('Content-Range', f'bytes */{len(content)}')
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(content) - 1}/{len(content)}')
        if has_parts:
            self.send_header('ETag', tag)
        self._send(content[start:])

    def _start(self, tag):
        found = re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range', ''))
        return int(found[1]) if found and self.headers.get('If-Range') == tag else 0

    def _send(self, content):
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        manner = self.site.manner
        if manner in ('cut', 'stuck') or (manner == 'cut once' and len(self.site.requests) == 1):
            content = content[: len(content) // 2]
        if manner == 'slow':
            time.sleep(3)  # for a process on a busy machine to come and wait
        self.wfile.write(content)
        if manner == 'stuck':
            self.wfile.flush()
            self.site.is_over.wait(60)

    def log_message(self, *_):
        pass


class Site:
    """Attributes:

    folder: its file has the last part of an address.
    url: one address.
    manner: of answers. 'cut': half of what is announced; 'cut once': the first time; 'whole': neither parts nor a
        version; 'stuck': half, then nothing; 'slow'.
    requests: (path, range) of each.
    moved: name of a file -> address that requests of it are sent to.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.manner = ''
        self.requests = []
        self.moved = {}
        self.is_over = threading.Event()

    def __enter__(self):
        self.folder.mkdir(parents=True)
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, site=self))
        self.server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.server.server_port}/v1/swin.pth'
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def saved(content, path):
    """Save and give the bytes."""
    torch.save(content, path)
    return path.read_bytes()


def kept(folder):
    """Files of the cache that are used, and their records."""
    return sorted(path for path in folder.rglob('*.*') if path.is_file() and path.name[0] != '.')


def partial(url):
    """Where a download is until it is whole."""
    return cached_file(url).with_name(f'.partial.{cached_file(url).name}')


def record(url):
    return json.loads(cached_file(url).with_name(f'{cached_file(url).name}.json').read_text())


def failure(source, error, home):
    """The message with which loading fails; neither the backbone nor the cache has changed."""
    backbone = small_swin()
    before = copied(backbone.state_dict())
    with pytest.raises(error) as caught:
        load_pretrained(backbone, source)
    assert_equal_states(backbone.state_dict(), before)
    assert kept(home) == [], 'something was left in the cache'
    return str(caught.value)
