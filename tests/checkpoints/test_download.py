"""Weights by URL and by short name, from a server on this machine."""

import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints import download, load_pretrained, zoo
from swin_dense.checkpoints.download import cached_file, local_file
from swin_dense.checkpoints.zoo import PublishedWeights, WebFile
from tests.checkpoints.models import assert_equal_states, copied, small_swin
from tests.checkpoints.web_site import Site
from tests.golden_files import reference

ROOT = Path(__file__).parents[2]
NOWHERE = 'http://127.0.0.1:9/releases/swin.pth'  # the discard port, where nothing listens


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path / 'home'))
    return tmp_path / 'home'


@pytest.fixture
def site(tmp_path, home):
    with Site(tmp_path / 'site') as site:
        yield site


@pytest.fixture
def messages(monkeypatch):
    """What is logged."""
    said = []
    logger = logging.getLogger('said')
    monkeypatch.setattr(logger, 'handle', lambda record: said.append(record.getMessage()))
    logger.setLevel(logging.INFO)
    monkeypatch.setattr('mmengine.logging.MMLogger.get_current_instance', lambda: logger)
    return said


@pytest.fixture(scope='module')
def state():
    return reference('swin_dense_official')[1]


def saved(content, path):
    torch.save(content, path)
    return path.read_bytes()


def kept(folder):
    """Files of the cache that can be used."""
    return sorted(path for path in folder.rglob('*.*') if path.is_file() and path.name[0] != '.')


def partial(url):
    return cached_file(url).with_name(f'.partial.{cached_file(url).name}')


def record(url):
    return json.loads(cached_file(url).with_name(f'{cached_file(url).name}.json').read_text())


def test_downloaded_once(site, home, state, messages):
    content = saved({'model': state}, site.folder / 'swin.pth')
    for _ in range(2):
        backbone = small_swin(init_cfg={'type': 'Pretrained', 'checkpoint': site.url})
        backbone.init_weights()
        own = backbone.state_dict()
        assert_equal_states(own, {name: state[name] for name in own})
        assert backbone.load_report.source == site.url
    assert site.requests == [('/v1/swin.pth', None)]
    target = home / 'checkpoints' / site.url.removeprefix('http://').replace(':', '_')
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


# --- what goes wrong -------------------------------------------------------------------------------------------------


def failure(source, error, home):
    backbone = small_swin()
    before = copied(backbone.state_dict())
    with pytest.raises(error) as caught:
        load_pretrained(backbone, source)
    assert_equal_states(backbone.state_dict(), before)
    assert kept(home) == [], 'something was left in the cache'
    return str(caught.value)


def test_without_a_connection(home):
    message = failure(NOWHERE, ConnectionError, home)
    for part in (NOWHERE, str(home / 'checkpoints' / '127.0.0.1_9' / 'releases' / 'swin.pth'), 'SWIN_DENSE_HOME'):
        assert part in message


def test_a_file_put_where_the_error_says_is_used(home, state):
    target = cached_file(NOWHERE)
    target.parent.mkdir(parents=True)
    torch.save(state, target)
    assert load_pretrained(small_swin(), NOWHERE).is_complete
    assert record(NOWHERE)['sha256'] == hashlib.sha256(target.read_bytes()).hexdigest()


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


# --- checksums -------------------------------------------------------------------------------------------------------


@pytest.fixture
def publish(monkeypatch):
    """Put weights into the zoo."""

    def published(name, *files):
        weights = PublishedWeights(name, files, '', {}, '', None, '')
        monkeypatch.setattr(zoo, 'zoo', lambda: {name: weights})
        monkeypatch.setattr(download, 'zoo', zoo.zoo)

    return published


@pytest.mark.parametrize('algorithm', ['sha256', 'md5'])
def test_published_checksums(site, home, state, publish, messages, algorithm):
    content = saved(state, site.folder / 'swin.pth')
    checksum = f'{algorithm}:{hashlib.new(algorithm, content).hexdigest()[:8]}'
    publish('swin', WebFile(site.url, checksum))
    assert local_file('swin').read_bytes() == content
    assert record(site.url)['published_checksum'] == checksum
    assert any('as published' in message for message in messages)


@pytest.mark.parametrize('by_name', [True, False])
def test_another_checksum_than_published(site, home, state, publish, by_name):
    content = saved(state, site.folder / 'swin.pth')
    publish('swin', WebFile(site.url, 'sha256:0123abcd'))
    message = failure('swin' if by_name else site.url, ValueError, home)
    for part in (site.url, hashlib.sha256(content).hexdigest(), 'should begin with 0123abcd'):
        assert part in message
    assert not partial(site.url).exists()


def test_a_wrong_file_put_into_the_cache(home, state, publish):
    publish('swin', WebFile(NOWHERE, 'sha256:0123abcd'))
    cached_file(NOWHERE).parent.mkdir(parents=True)
    torch.save(state, cached_file(NOWHERE))
    with pytest.raises(ValueError, match=r'swin\.pth is not what was published.*\n?.*Delete .* to download it again'):
        local_file('swin')


def test_a_file_that_changes_in_the_cache(site, home, state):
    content = saved(state, site.folder / 'swin.pth')
    file = local_file(site.url)
    os.utime(file, (1, 1))  # copied, say
    assert local_file(site.url) == file
    file.write_bytes(content[:-1] + b'?')
    with pytest.raises(ValueError, match=rf'has changed: its sha256 was {hashlib.sha256(content).hexdigest()}'):
        local_file(site.url)


def test_a_file_that_changes_at_its_address(site, home, state):
    saved(state, site.folder / 'swin.pth')
    local_file(site.url).unlink()
    saved({name: tensor + 1 for name, tensor in state.items()}, site.folder / 'swin.pth')
    with pytest.raises(ValueError, match=rf'{site.url} gives has changed.*delete .*swin\.pth\.json'):
        local_file(site.url)
    assert not partial(site.url).exists()
    cached_file(site.url).with_name('swin.pth.json').unlink()
    assert local_file(site.url).is_file()


def test_a_cache_that_may_only_be_read(home, state, monkeypatch):
    cached_file(NOWHERE).parent.mkdir(parents=True)
    torch.save(state, cached_file(NOWHERE))

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(download, '_write_record', refuse)
    assert local_file(NOWHERE) == cached_file(NOWHERE)


# --- names -----------------------------------------------------------------------------------------------------------


def test_the_next_address_is_tried(site, home, state, publish, messages):
    content = saved(state, site.folder / 'swin.pth')
    publish('swin', WebFile(NOWHERE), WebFile(site.url))
    assert local_file('swin').read_bytes() == content
    assert any(NOWHERE in message and 'trying the next address of swin' in message for message in messages)
    assert local_file('swin') == cached_file(site.url)  # though the first address was preferred
    assert len(site.requests) == 1


def test_names_without_a_connection(home, publish):
    other = NOWHERE.replace('swin', 'mirror')
    publish('swin', WebFile(NOWHERE, 'sha256:0123abcd'), WebFile(other))
    message = failure('swin', ConnectionError, home)
    for part in (f'{NOWHERE} (sha256 begins with 0123abcd)\n    -> {cached_file(NOWHERE)}', other, 'one of the files'):
        assert part in message


@pytest.mark.parametrize('source', ['swin_tinny_patch4_window7_224', 'swin_tiny_patch4_window7_22.pth'])
def test_misspelt_names(source, home):
    with pytest.raises(FileNotFoundError, match=r"Did you mean 'swin_tiny_patch4_window7_224'") as caught:
        load_pretrained(small_swin(), source)
    assert source in str(caught.value)
    assert str(Path.cwd()) in str(caught.value)


def test_a_path_goes_before_a_name(tmp_path, monkeypatch, publish):
    publish('swin', WebFile(NOWHERE))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'swin').touch()
    assert local_file('swin') == Path('swin')


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


# --- processes -------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from swin_dense.checkpoints.download import local_file, sha256
print('ready', flush=True)
sys.stdin.readline()
print(sha256(local_file(sys.argv[1])), flush=True)
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
