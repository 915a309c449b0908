"""Weights by URL, from a server on this machine."""

import functools
import http.server
import threading
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.download import cached_file, local_file
from tests.checkpoints.models import assert_equal_states, copied, small_swin
from tests.golden_files import reference


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; counts requests; `cut/` in a path announces more bytes than it sends."""

    requests: list = []  # noqa: RUF012 - of the class, because each request is an instance

    def do_GET(self):
        self.requests.append(self.path)
        if not self.path.startswith('/cut/'):
            super().do_GET()
            return
        content = Path(self.translate_path(self.path.removeprefix('/cut'))).read_bytes()
        self.send_response(200)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])

    def log_message(self, *_):
        pass


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path / 'home'))
    return tmp_path / 'home'


@pytest.fixture
def site(tmp_path, home):
    """A folder, and its address."""
    Handler.requests.clear()
    folder = tmp_path / 'site'
    (folder / 'v1').mkdir(parents=True)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def state():
    return reference('swin_dense_official')[1]


def files_of(folder):
    return sorted(path for path in folder.rglob('*') if path.is_file())


def test_downloaded_once(site, home, state):
    folder, address = site
    torch.save({'model': state}, folder / 'v1' / 'swin.pth')
    for _ in range(2):
        backbone = small_swin(init_cfg={'type': 'Pretrained', 'checkpoint': f'{address}/v1/swin.pth'})
        backbone.init_weights()
        own = backbone.state_dict()
        assert_equal_states(own, {name: state[name] for name in own})
        assert backbone.load_report.source == f'{address}/v1/swin.pth'
    assert Handler.requests == ['/v1/swin.pth']
    host = address.removeprefix('http://').replace(':', '_')
    assert files_of(home) == [home / 'checkpoints' / host / 'v1' / 'swin.pth']


def test_equal_names_on_different_addresses_are_different_files(site, home, state):
    folder, address = site
    (folder / 'v2').mkdir()
    other = {name: tensor + 1 for name, tensor in state.items()}
    torch.save(state, folder / 'v1' / 'swin.pth')
    torch.save(other, folder / 'v2' / 'swin.pth')
    for version, expected in (('v1', state), ('v2', other)):
        backbone = small_swin()
        load_pretrained(backbone, f'{address}/{version}/swin.pth')
        own = backbone.state_dict()
        assert_equal_states(own, {name: expected[name] for name in own})


def test_addresses_stay_within_the_cache(home):
    base = home / 'checkpoints'
    assert cached_file('https://a.b/c/d.pth') == base / 'a.b' / 'c' / 'd.pth'
    assert cached_file('https://user:secret@a.b:80/d.pth') == base / 'a.b_80' / 'd.pth'
    for path in ('%2e%2e/../%2fc/./d.pth', '%2fc/d.pth', '../../c//d.pth'):
        assert cached_file(f'https://a.b/{path}') == base / 'a.b' / 'c' / 'd.pth'
    assert cached_file('https://a.b/d.pth?raw=1') != cached_file('https://a.b/d.pth?raw=2')
    assert cached_file('https://a.b/d.pth?raw=1').name == 'd.pth'
    with pytest.raises(ValueError, match='names no file'):
        cached_file('https://a.b/')


def test_home_without_the_variable(monkeypatch):
    monkeypatch.delenv('SWIN_DENSE_HOME', raising=False)
    monkeypatch.setenv('HOME', '/somewhere')
    assert cached_file('https://a.b/d.pth') == Path('/somewhere/.cache/swin_dense/checkpoints/a.b/d.pth')


def failure(url, error, home):
    backbone = small_swin()
    before = copied(backbone.state_dict())
    with pytest.raises(error) as caught:
        load_pretrained(backbone, url)
    assert_equal_states(backbone.state_dict(), before)
    assert files_of(home) == [], 'something was left in the cache'
    return str(caught.value)


def test_without_a_connection(site, home):
    url = 'http://127.0.0.1:9/releases/swin.pth'  # the discard port, where nothing listens
    message = failure(url, ConnectionError, home)
    for part in (url, str(home / 'checkpoints' / '127.0.0.1_9' / 'releases' / 'swin.pth'), 'SWIN_DENSE_HOME'):
        assert part in message


def test_a_file_put_where_the_error_says_is_used(home, state):
    url = 'http://127.0.0.1:9/releases/swin.pth'
    target = cached_file(url)
    target.parent.mkdir(parents=True)
    torch.save(state, target)
    assert load_pretrained(small_swin(), url).is_complete


def test_an_address_that_is_gone(site, home):
    assert '404' in failure(f'{site[1]}/v1/swin.pth', ConnectionError, home)


def test_a_connection_that_ends_early(site, home, state):
    torch.save(state, site[0] / 'v1' / 'swin.pth')
    size = (site[0] / 'v1' / 'swin.pth').stat().st_size
    message = failure(f'{site[1]}/cut/v1/swin.pth', ConnectionError, home)
    assert f'{size // 2:,} of {size:,} bytes' in message


def test_a_page_in_place_of_the_file(site, home):
    (site[0] / 'v1' / 'swin.pth').write_text('<html>moved</html>')
    message = failure(f'{site[1]}/v1/swin.pth', ValueError, home)
    assert f'{site[1]}/v1/swin.pth gave no checkpoint' in message
    assert 'web page' in message


def test_file_urls_and_paths(tmp_path, state, monkeypatch):
    path = tmp_path / 'with space.pth'
    torch.save(state, path)
    assert ' ' not in path.as_uri()
    assert load_pretrained(small_swin(), path.as_uri()).is_complete
    monkeypatch.setenv('HOME', str(tmp_path))
    assert local_file('~/with space.pth') == path


@pytest.mark.parametrize('source', ['s3://bucket/swin.pth', 'file://folder/swin.pth', 'torchvision://resnet50'])
def test_other_addresses(source):
    with pytest.raises(ValueError, match='file:/'):
        load_pretrained(small_swin(), source)
