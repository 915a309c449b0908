"""The record of a run: kills, shards, merging, and the files that come of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from swin_dense.inference.journal import Journal, Shard, begin_shard, finish_shard, finished_names

FAILED = {'error': 'truncated JPEG', 'run': 'this'}
FACTS: dict[str, Any] = {
    'run_token': 'this',
    'task': 'detection',
    'classes': ['cat', 'dog'],
    'category_ids': [17, 18],
    'image_ids': None,
    'has_coco': True,
    'failed': [['gone.jpg', 'dangling link']],
    'skipped': {'.txt': 2},
    'identity': {'checkpoint': 'a.pth'},
    'run': {'shard': '1-of-1'},
}


def _line(index: int, *, label: int = 0, **other: Any) -> dict[str, Any]:
    found = {'label': label, 'class': FACTS['classes'][label], 'score': 0.5, 'box_xyxy': [1.0, 2.0, 4.5, 8.0]}
    line = {
        'index': index,
        'name': f'sub/{index}',
        'image': f'in/sub/{index}.jpg',
        'source': f'/in/sub/{index}.jpg',
        'height': 9,
        'width': 9,
    }
    return {**line, 'detections': [found], **other}


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_in_any_order_become_files_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    journal = Journal(tmp_path, '1-of-1')
    for index in (2, 0, 3):
        journal.append(_line(index, label=index % 2))
    journal.append({'index': 1, 'name': 'sub/1', 'image': 'in/sub/1.jpg', 'source': '/in/sub/1.jpg', **FAILED})
    journal.close()
    assert finish_shard(tmp_path, Shard(), FACTS)
    assert [line['index'] for line in _lines(tmp_path / 'predictions.jsonl')] == [0, 2, 3]
    assert (tmp_path / 'failed.txt').read_text() == 'gone.jpg\tdangling link\nin/sub/1.jpg\ttruncated JPEG\n'
    results = json.loads((tmp_path / 'coco.json').read_text())
    assert [(each['image_id'], each['category_id'], each['file_name']) for each in results] == [
        (1, 17, 'in/sub/0.jpg'),
        (2, 17, 'in/sub/2.jpg'),
        (3, 18, 'in/sub/3.jpg'),
    ]
    assert results[0]['bbox'] == [1.0, 2.0, 3.5, 6.0]
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert (summary['images'], summary['failed'], summary['objects']) == (3, 2, {'cat': 2, 'dog': 1})
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        'coco.json',
        'failed.txt',
        'predictions.jsonl',
        'summary.json',
    ]


def test_a_line_that_a_kill_cut_off_is_not_finished_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    journal = Journal(tmp_path, '1-of-1')
    journal.append(_line(0))
    journal.close()
    part = tmp_path / 'parts' / '1-of-1.jsonl'
    part.write_bytes(part.read_bytes() + json.dumps(_line(1)).encode()[:40])
    assert finished_names(tmp_path) == {('/in/sub/0.jpg', None): 'sub/0'}
    journal = Journal(tmp_path, '1-of-1')
    journal.append(_line(1))
    journal.close()
    assert sorted(finished_names(tmp_path).values()) == ['sub/0', 'sub/1']
    assert finish_shard(tmp_path, Shard(), FACTS)
    assert len(_lines(tmp_path / 'predictions.jsonl')) == 2


def test_what_comes_later_counts(tmp_path: Path) -> None:
    """An image that failed, and did not when it was tried again, after the files had been put together."""
    for line in (
        {'index': 0, 'name': 'sub/0', 'image': 'a', 'source': '/in/sub/0.jpg', 'error': 'x', 'run': 'this'},
        _line(0),
    ):
        journal = Journal(tmp_path, '1-of-1')
        journal.append(line)
        journal.append(_line(1))
        journal.close()
        assert ('/in/sub/0.jpg', None) in finished_names(tmp_path) or 'error' in line
        assert finish_shard(tmp_path, Shard(), {**FACTS, 'failed': []})
    assert [line['index'] for line in _lines(tmp_path / 'predictions.jsonl')] == [0, 1]
    assert (tmp_path / 'failed.txt').read_text() == ''


def test_the_last_shard_puts_together(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        shard = Shard(number, 3)
        journal = Journal(tmp_path, shard.label)
        for index in range(number - 1, 9, 3):
            journal.append(_line(index))
        journal.close()
        merged = finish_shard(tmp_path, shard, {**FACTS, 'run': {'shard': shard.label}})
        assert merged == (number == 2)
        assert (tmp_path / 'predictions.jsonl').exists() == merged
    assert [line['index'] for line in _lines(tmp_path / 'predictions.jsonl')] == list(range(9))
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert [each['shard'] for each in summary['shards']] == ['1-of-3', '2-of-3', '3-of-3']


def test_frames_of_videos_are_in_order_and_apart(tmp_path: Path) -> None:
    journal = Journal(tmp_path, '1-of-1')
    for frame in (10, 2, 0):
        journal.append({**_line(0), 'name': f'clip/frame_{frame:06d}', 'frame': frame})
    journal.append(_line(1))
    journal.close()
    assert finished_names(tmp_path)['/in/sub/0.jpg', 2] == 'clip/frame_000002'
    finish_shard(tmp_path, Shard(), FACTS)
    assert [line.get('frame') for line in _lines(tmp_path / 'predictions.jsonl')] == [0, 2, 10, None]


def test_ids_of_images_can_be_given(tmp_path: Path) -> None:
    journal = Journal(tmp_path, '1-of-1')
    journal.append(_line(0))
    journal.close()
    finish_shard(tmp_path, Shard(), {**FACTS, 'image_ids': {'0.jpg': 397133}})
    assert json.loads((tmp_path / 'coco.json').read_text())[0]['image_id'] == 397133


def test_names_that_are_not_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path, '1-of-1')
    journal.append(_line(0, name='caf\udce9'))
    journal.append(
        {'index': 1, 'name': 'b', 'image': 'caf\udce9.jpg', 'source': 'c', 'error': 'empty file', 'run': 'this'}
    )
    journal.close()
    assert 'caf\udce9' in finished_names(tmp_path).values()
    finish_shard(tmp_path, Shard(), FACTS)
    assert b'caf\xe9.jpg\tempty file' in (tmp_path / 'failed.txt').read_bytes()


def test_a_foreign_line_is_told(tmp_path: Path) -> None:
    (tmp_path / 'predictions.jsonl').write_text('[1, 2]\n')
    with pytest.raises(ValueError, match=r'predictions\.jsonl has a line that prediction did not write'):
        finished_names(tmp_path)


@pytest.mark.parametrize('text', ['0/3', '4/3', '3', 'a/b', '1/0', '-1/2'])
def test_wrong_shards(text: str) -> None:
    with pytest.raises(ValueError, match='K/N'):
        Shard.parse(text)
    assert Shard.parse('3/16') == Shard(3, 16)


def test_failures_of_earlier_runs_count_no_more(tmp_path: Path) -> None:
    """They were tried again; or their input is gone."""
    journal = Journal(tmp_path, '1-of-2')
    journal.append({'index': 0, 'name': 'a', 'image': 'a', 'source': '/a', 'error': 'x', 'run': 'before'})
    journal.append({'index': 1, 'name': 'b', 'image': 'b', 'source': '/b', 'error': 'y', 'run': 'this'})
    journal.close()
    finish_shard(tmp_path, Shard(), {**FACTS, 'failed': []})
    assert (tmp_path / 'failed.txt').read_text() == 'b\ty\n'


def test_a_success_counts_whatever_file_it_is_in(tmp_path: Path) -> None:
    for label, line in (('z', _line(0)), ('a', {**_line(0), **FAILED})):
        journal = Journal(tmp_path, label)
        journal.append(line)
        journal.close()
    finish_shard(tmp_path, Shard(), {**FACTS, 'failed': []})
    assert len(_lines(tmp_path / 'predictions.jsonl')) == 1


def test_a_shard_that_goes_on_is_waited_for(tmp_path: Path) -> None:
    """Both were stopped and go on; the other one was through before."""
    for number in (1, 2):
        journal = Journal(tmp_path, Shard(number, 2).label)
        journal.append(_line(number))
        journal.close()
        if number == 1:
            assert not finish_shard(tmp_path, Shard(1, 2), FACTS)
    begin_shard(tmp_path, Shard(1, 2))
    first = Journal(tmp_path, '1-of-2')
    first.append(_line(3))
    assert not finish_shard(tmp_path, Shard(2, 2), FACTS)
    first.append(_line(4))
    first.close()
    assert finish_shard(tmp_path, Shard(1, 2), FACTS)
    assert [line['index'] for line in _lines(tmp_path / 'predictions.jsonl')] == [1, 2, 3, 4]


def test_a_line_that_the_disk_takes_half_of_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, '1-of-1')
    journal.append(_line(0))
    write = os.write
    monkeypatch.setattr(os, 'write', lambda descriptor, text: write(descriptor, text[:20]))
    with pytest.raises(OSError, match='--resume'):
        journal.append(_line(1))
    monkeypatch.undo()
    journal.append(_line(2))
    journal.close()
    assert sorted(finished_names(tmp_path).values()) == ['sub/0', 'sub/2']
