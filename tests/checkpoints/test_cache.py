"""The cache of files from the web: short names, checksums, what is said without a connection."""

import hashlib
import os
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints import download, load_pretrained
from swin_dense.checkpoints.download import cached_file, local_file
from swin_dense.checkpoints.zoo import WebFile
from tests.checkpoints.models import small_swin
from tests.checkpoints.web_site import failure, partial, record, saved


def test_addresses_stay_within_the_cache(home):
    base = home / 'checkpoints'
    assert cached_file('https://a.b/c/d.pth') == base / 'a.b' / 'c' / 'd.pth'
    assert cached_file('https://user:secret@a.b:80/d.pth') == base / 'a.b_80' / 'd.pth'
    for path in ('%2e%2e/../%2fc/./d.pth', '%2fc/d.pth', '../../c//d.pth'):
        assert cached_file(f'https://a.b/{path}') == base / 'a.b' / 'c' / 'd.pth'
    assert cached_file('http://a.b/c/d.pth') == base / 'http' / 'a.b' / 'c' / 'd.pth'
    assert cached_file('https://a.b/d.pth?raw=1') != cached_file('https://a.b/d.pth?raw=2')
    assert cached_file('https://a.b/d.pth?raw=1').name == 'd.pth'
    with pytest.raises(ValueError, match='names no file'):
        cached_file('https://a.b/')


def test_home_without_the_variable(monkeypatch):
    monkeypatch.delenv('SWIN_DENSE_HOME', raising=False)
    monkeypatch.setenv('HOME', '/somewhere')
    assert cached_file('https://a.b/d.pth') == Path('/somewhere/.cache/swin_dense/checkpoints/a.b/d.pth')


def test_without_a_connection(home, nowhere):
    message = failure(nowhere, ConnectionError, home)
    for part in (
        nowhere,
        str(home / 'checkpoints' / 'http' / nowhere.split('/')[2].replace(':', '_') / 'releases' / 'swin.pth'),
        'SWIN_DENSE_HOME',
    ):
        assert part in message


def test_a_file_put_where_the_error_says_is_used(home, state, nowhere):
    target = cached_file(nowhere)
    target.parent.mkdir(parents=True)
    torch.save(state, target)
    assert load_pretrained(small_swin(), nowhere).is_complete
    assert record(nowhere)['sha256'] == hashlib.sha256(target.read_bytes()).hexdigest()


# --- checksums -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('algorithm', ['sha256', 'md5'])
def test_published_checksums(site, home, state, publish, messages, algorithm):
    content = saved(state, site.folder / 'swin.pth')
    checksum = f'{algorithm}:{hashlib.new(algorithm, content).hexdigest()[:8]}'
    publish('swin', WebFile(site.url, checksum))
    assert local_file('swin').read_bytes() == content
    assert record(site.url)['published_checksum'] == checksum
    assert any('as published' in message for message in messages)


def test_what_was_not_published_is_not_even_read(site, home, state, publish, monkeypatch):
    """Unpickling comes after the checksum."""
    saved(state, site.folder / 'swin.pth')
    publish('swin', WebFile(site.url, 'sha256:0123abcd'))
    read = []
    monkeypatch.setattr(download, 'read_checkpoint', lambda *arguments, **_: read.append(arguments))
    with pytest.raises(ValueError, match='should begin with 0123abcd'):
        local_file('swin')
    assert read == []


@pytest.mark.parametrize('by_name', [True, False])
def test_another_checksum_than_published(site, home, state, publish, by_name):
    content = saved(state, site.folder / 'swin.pth')
    publish('swin', WebFile(site.url, 'sha256:0123abcd'))
    message = failure('swin' if by_name else site.url, ValueError, home)
    for part in (site.url, hashlib.sha256(content).hexdigest(), 'should begin with 0123abcd'):
        assert part in message
    assert not partial(site.url).exists()


def test_a_wrong_file_put_into_the_cache(home, state, publish, nowhere):
    publish('swin', WebFile(nowhere, 'sha256:0123abcd'))
    cached_file(nowhere).parent.mkdir(parents=True)
    torch.save(state, cached_file(nowhere))
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


def test_a_cache_that_may_only_be_read(home, state, monkeypatch, nowhere):
    cached_file(nowhere).parent.mkdir(parents=True)
    torch.save(state, cached_file(nowhere))

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(download, '_write_record', refuse)
    assert local_file(nowhere) == cached_file(nowhere)


# --- names -----------------------------------------------------------------------------------------------------------


def test_the_next_address_is_tried(site, home, state, publish, messages, nowhere):
    content = saved(state, site.folder / 'swin.pth')
    publish('swin', WebFile(nowhere), WebFile(site.url))
    assert local_file('swin').read_bytes() == content
    assert local_file('swin') == cached_file(site.url)  # at once, though another address is preferred
    assert sum(nowhere in message and 'trying the next address of swin' in message for message in messages) == 1
    assert len(site.requests) == 1


def test_names_without_a_connection(home, publish, nowhere):
    other = nowhere.replace('swin', 'mirror')
    publish('swin', WebFile(nowhere, 'sha256:0123abcd'), WebFile(other))
    message = failure('swin', ConnectionError, home)
    for part in (f'{nowhere} (sha256 begins with 0123abcd)\n    -> {cached_file(nowhere)}', other, 'one of the files'):
        assert part in message


@pytest.mark.parametrize('source', ['swin_tinny_patch4_window7_224', 'swin_tiny_patch4_window7_22.pth'])
def test_misspelt_names(source, home):
    with pytest.raises(FileNotFoundError, match=r"Did you mean 'swin_tiny_patch4_window7_224'") as caught:
        load_pretrained(small_swin(), source)
    assert source in str(caught.value)
    assert str(Path.cwd()) in str(caught.value)


def test_a_folder_does_not_go_before_a_name(site, home, state, tmp_path, monkeypatch, publish, messages):
    content = saved(state, site.folder / 'swin.pth')
    publish('swin', WebFile(site.url))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'swin').mkdir()
    (tmp_path / 'run').mkdir()
    assert local_file('swin').read_bytes() == content
    assert 'swin: the published weights, though there is a folder of this name' in messages
    assert local_file('./swin') == Path('swin')
    assert local_file('run') == Path('run')


def test_a_file_goes_before_a_name(tmp_path, monkeypatch, publish, nowhere, messages):
    publish('swin', WebFile(nowhere))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'swin').touch()
    assert local_file('swin') == Path('swin')
    assert messages == ['swin: the file, though there are published weights of this name']


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


def test_a_page_put_into_the_cache_does_not_stand_in_the_way_of_the_file(site, home, state, nowhere):
    target = cached_file(nowhere)
    target.parent.mkdir(parents=True)
    target.write_text('<html>please log in</html>')
    with pytest.raises(ValueError, match='is a web page'):
        local_file(nowhere)
    content = saved(state, target)
    assert local_file(nowhere).read_bytes() == content


def test_the_next_address_is_tried_after_a_page(site, home, state, publish, messages):
    content = saved(state, site.folder / 'swin.pth')
    (site.folder / 'page.pth').write_text('<html>this domain is for sale</html>')
    page = site.url.replace('swin.pth', 'page.pth')
    publish('swin', WebFile(page), WebFile(site.url))
    assert local_file('swin').read_bytes() == content
    assert not cached_file(page).exists()


def test_a_checksum_published_later_is_checked(site, home, state, publish):
    saved(state, site.folder / 'swin.pth')
    publish('swin', WebFile(site.url))
    local_file('swin')
    publish('swin', WebFile(site.url, 'sha256:00000000'))
    with pytest.raises(ValueError, match='not what was published'):
        local_file('swin')
