"""Weights from a server on this machine: cuts, changes, kills, two processes."""

import contextlib
import hashlib
import http.client
import io
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.download import local_file
from tests.checkpoints.models import assert_equal_states, small_swin
from tests.checkpoints.web_site import failure, kept, partial, record, saved

ROOT = Path(__file__).parents[2]


def test_downloaded_once(site, home, state, messages):
    content = saved({'model': state}, site.folder / 'swin.pth')
    for _ in range(2):
        backbone = small_swin(init_cfg={'type': 'Pretrained', 'checkpoint': site.url})
        backbone.init_weights()
        own = backbone.state_dict()
        assert_equal_states(own, {name: state[name] for name in own})
        assert backbone.load_report.source == site.url
    assert site.requests == [('/v1/swin.pth', None)]
    target = home / 'checkpoints' / 'http' / site.url.removeprefix('http://').replace(':', '_')
    assert kept(home) == [target, target.with_name('swin.pth.json')]
    assert not partial(site.url).exists()
    digest = hashlib.sha256(content).hexdigest()
    assert record(site.url)['sha256'] == digest
    assert any(digest in message and 'no checksum is published' in message for message in messages)


def test_equal_names_on_different_addresses_are_different_files(site, home, state):
    other = {name: tensor + 1 for name, tensor in state.items()}
    for version, expected in (('v1', state), ('v2', other)):
        torch.save(expected, site.folder / 'swin.pth')
        backbone = small_swin()
        load_pretrained(backbone, site.url.replace('v1', version))
        own = backbone.state_dict()
        assert_equal_states(own, {name: expected[name] for name in own})


def test_a_bar_where_somebody_can_see_it(site, home, state, monkeypatch):
    size = len(saved(state, site.folder / 'swin.pth'))
    shown = {}
    for is_terminal in (True, False):
        screen = io.StringIO()
        monkeypatch.setattr(screen, 'isatty', lambda is_terminal=is_terminal: is_terminal)
        monkeypatch.setattr(sys, 'stderr', screen)
        monkeypatch.setenv('TERM', 'xterm')
        local_file(site.url.replace('v1', str(is_terminal)))
        shown[is_terminal] = screen.getvalue()
    assert f'{size / 1e6:.1f}/{size / 1e6:.1f} MB' in shown[True]
    assert shown[False] == ''


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_an_address_that_is_gone(site, home):
    assert '404' in failure(site.url, ConnectionError, home)


def test_a_page_in_place_of_the_file(site, home):
    (site.folder / 'swin.pth').write_text('<html>moved</html>')
    message = failure(site.url, ValueError, home)
    assert f'{site.url} gave no checkpoint' in message
    assert 'web page' in message
    assert not partial(site.url).exists()


def test_a_server_that_always_ends_early(site, home, state):
    """Each time it sends half of the rest, until one byte is half of nothing."""
    size = len(saved(state, site.folder / 'swin.pth'))
    site.manner = 'cut'
    message = failure(site.url, ConnectionError, home)
    assert f'after {size - 1:,} of {size:,} bytes' in message


class Encrypted(urllib.request.HTTPSHandler):
    """Takes https addresses to servers that speak http: what is encrypted matters little here."""

    def https_open(self, request):
        return self.do_open(http.client.HTTPConnection, request)


def test_redirects_stay_encrypted(site, home, state, monkeypatch):
    content = saved(state, site.folder / 'swin.pth')
    monkeypatch.setattr(urllib.request, 'HTTPSHandler', Encrypted)
    encrypted = site.url.replace('http:', 'https:')
    site.moved['moved.pth'] = site.url
    message = failure(encrypted.replace('swin', 'moved'), ConnectionError, home)
    assert f'it redirects to {site.url}, which is not https: refused' in message
    assert len(site.requests) == 1
    # to another address of its kind, or a better one
    assert local_file(site.url.replace('swin', 'moved')).read_bytes() == content
    site.moved['moved.pth'] = encrypted
    for start in (encrypted, site.url):
        assert local_file(start.replace('swin', 'moved').replace('v1', 'v2')).read_bytes() == content


def test_equal_addresses_of_another_scheme_are_different_files(site, home, state, monkeypatch):
    monkeypatch.setattr(urllib.request, 'HTTPSHandler', Encrypted)
    contents = []
    for number, scheme in enumerate(('http', 'https')):
        content = saved({name: tensor + number for name, tensor in state.items()}, site.folder / 'swin.pth')
        assert local_file(site.url.replace('http', scheme)).read_bytes() == content
        contents.append(content)
    assert contents[0] != contents[1]
    assert local_file(site.url).read_bytes() == contents[0]


# --- resuming --------------------------------------------------------------------------------------------------------


def test_goes_on_after_a_cut(site, home, state, messages):
    content = saved(state, site.folder / 'swin.pth')
    site.manner = 'cut once'
    assert local_file(site.url).read_bytes() == content
    assert site.requests == [('/v1/swin.pth', None), ('/v1/swin.pth', f'bytes={len(content) // 2}-')]
    assert sum('MB of it are there' in message for message in messages) == 1


def test_goes_on_with_what_an_earlier_run_left(site, home, state):
    content = saved(state, site.folder / 'swin.pth')
    left_over(site.url, content[:1000], version=f'"{hashlib.sha1(content).hexdigest()}"')
    assert local_file(site.url).read_bytes() == content
    assert site.requests == [('/v1/swin.pth', 'bytes=1000-')]


def test_a_file_that_changed_since_the_cut_is_taken_from_its_beginning(site, home, state):
    content = saved(state, site.folder / 'swin.pth')
    left_over(site.url, b'another' * 100, version='"another"')
    assert local_file(site.url).read_bytes() == content
    assert site.requests == [('/v1/swin.pth', 'bytes=700-')]


def test_all_was_there_already(site, home, state):
    content = saved(state, site.folder / 'swin.pth')
    left_over(site.url, content, version=f'"{hashlib.sha1(content).hexdigest()}"')
    assert local_file(site.url).read_bytes() == content
    assert site.requests == [('/v1/swin.pth', f'bytes={len(content)}-')]


def test_more_than_all_was_there(site, home, state):
    content = saved(state, site.folder / 'swin.pth')
    left_over(site.url, content + b'more', version=f'"{hashlib.sha1(content).hexdigest()}"')
    assert local_file(site.url).read_bytes() == content
    assert site.requests == [('/v1/swin.pth', f'bytes={len(content) + 4}-'), ('/v1/swin.pth', None)]


@pytest.mark.parametrize('version', ['', '"some"'])
def test_a_server_without_parts_starts_over(site, home, state, version):
    content = saved(state, site.folder / 'swin.pth')
    site.manner = 'whole'
    left_over(site.url, content[:1000], version)
    assert local_file(site.url).read_bytes() == content
    assert site.requests == [('/v1/swin.pth', 'bytes=1000-' if version else None)]


def left_over(url, content, version):
    partial(url).parent.mkdir(parents=True)
    partial(url).write_bytes(content)
    partial(url).with_name(f'{partial(url).name}.version').write_text(version)


# --- processes -------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from swin_dense.checkpoints.digests import digest
from swin_dense.checkpoints.download import local_file
print('ready', flush=True)
sys.stdin.readline()
print(digest(local_file(sys.argv[1])), flush=True)
"""


def test_a_killed_download_and_two_processes_at_once(site, home, state, messages):
    """One ends in the middle; of two that start then, one goes on where it ended, and the other one waits."""
    content = saved(state, site.folder / 'swin.pth')
    site.manner = 'stuck'
    with started(site.url) as first, started(site.url) as second:
        assert [process.stdout.readline() for process in (first, second)] == ['ready\n'] * 2
        go(first)
        wait_for(lambda: partial(site.url).is_file() and partial(site.url).stat().st_size > 0)
        first.kill()
        first.wait()
        there = partial(site.url).stat().st_size
        assert 0 < there <= len(content) // 2
        site.manner = 'slow'
        go(second)
        assert local_file(site.url).read_bytes() == content
        said = second.stdout.read().splitlines()
    assert said[-1] == hashlib.sha256(content).hexdigest()
    assert sum('waiting for another process' in message for message in (*said, *messages)) == 1
    assert site.requests == [('/v1/swin.pth', None), ('/v1/swin.pth', f'bytes={there}-')]


@contextlib.contextmanager
def started(url):
    command = [sys.executable, '-c', PROGRAM, url]
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def go(process):
    process.stdin.write('\n')
    process.stdin.flush()


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited too long'
        time.sleep(0.01)
