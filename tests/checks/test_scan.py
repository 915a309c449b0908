"""Looking into many files: order, cache, and files that cannot be read."""

import sqlite3

import pytest

from swin_dense.checks.scan import evenly, scan_files


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path / 'home'))
    for number in range(40):
        (tmp_path / f'{number}.bin').write_bytes(bytes([number % 30]) * number)
    return [str(tmp_path / f'{number}.bin') for number in range(40)]


class Lengths:
    def __init__(self):
        self.seen = []

    def __call__(self, content):
        self.seen.append(content)
        return {'length': len(content)}


def test_facts_come_in_the_order_of_the_files(files):
    found = scan_files(files, Lengths(), kind='length-1', title='files')
    assert [facts['length'] for facts in found] == list(range(40))
    assert [facts['bytes'] for facts in found] == list(range(40))
    assert len({facts['digest'] for facts in found}) == 40


def test_a_content_is_looked_into_once(files, tmp_path):
    first, second = Lengths(), Lengths()
    before = scan_files(files, first, kind='length-1', title='files')
    assert len(first.seen) == 40
    assert scan_files(files, second, kind='length-1', title='files') == before
    assert not second.seen
    (tmp_path / '3.bin').write_bytes(b'changed')
    assert scan_files(files, second, kind='length-1', title='files')[3]['length'] == 7
    assert second.seen == [b'changed']


def test_kinds_do_not_meet(files):
    scan_files(files, Lengths(), kind='length-1', title='files')
    other = Lengths()
    scan_files(files, other, kind='length-2', title='files')
    assert len(other.seen) == 40


def test_files_that_cannot_be_read_are_facts(files, tmp_path):
    found = scan_files([files[1], str(tmp_path / 'none.bin'), str(tmp_path)], Lengths(), kind='k', title='files')
    assert 'unreadable' not in found[0]
    assert found[1] == {'unreadable': 'No such file or directory'}
    assert found[2] == {'unreadable': 'Is a directory'}


@pytest.mark.parametrize('content', [b'no database' * 200, b''])
def test_a_broken_cache_costs_time_alone(files, tmp_path, content):
    (tmp_path / 'home').mkdir()
    (tmp_path / 'home' / 'checks.sqlite3').write_bytes(content)
    assert [facts['length'] for facts in scan_files(files, Lengths(), kind='k', title='files')] == list(range(40))


def test_a_cache_that_cannot_be_made_costs_time_alone(files, tmp_path):
    (tmp_path / 'home').write_text('a file where the folder should be')
    assert len(scan_files(files, Lengths(), kind='k', title='files')) == 40


def test_a_locked_cache_costs_time_alone(files, tmp_path, monkeypatch):
    monkeypatch.setattr('swin_dense.checks.scan._SECONDS_TO_WAIT', 0.1)
    scan_files(files[:1], Lengths(), kind='k', title='files')
    with sqlite3.connect(tmp_path / 'home' / 'checks.sqlite3') as other:
        other.execute('begin exclusive')
        assert len(scan_files(files, Lengths(), kind='k', title='files')) == 40


def test_what_inspect_raises_is_raised(files):
    def fail(content):
        raise RuntimeError('a mistake of ours')

    with pytest.raises(RuntimeError, match='mistake'):
        scan_files(files, fail, kind='k', title='files')


def test_evenly():
    assert evenly(range(5), 9) == [0, 1, 2, 3, 4]
    assert evenly(range(100), 5) == [0, 25, 50, 74, 99]
    assert len(set(evenly(range(1000), 64))) == 64
