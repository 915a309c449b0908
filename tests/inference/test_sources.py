"""What arguments stand for, on folders that are really there."""

import io
import os
import time
from pathlib import Path

import pytest

from swin_dense.inference.sources import find_sources
from tests.inference.hostile_files import write_hostile_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*paths):
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()


def paths(*inputs, **options):
    return [source.path for source in find_sources(inputs, **options).sources]


def names(*inputs):
    return [source.name for source in find_sources(inputs).sources]


def test_a_folder_in_natural_order(folder):
    make('d/img10.jpg', 'd/img2.JPG', 'd/Img1.png', 'd/sub2/1.tif', 'd/sub10/1.tif', 'd/clip.MP4', 'd/a.txt', 'd/b.txt',
         'd/README', 'd/.hidden.jpg', 'd/.git/x.jpg')  # fmt: skip
    found = find_sources(['d'])
    assert [source.path for source in found.sources] == [
        'd/clip.MP4', 'd/Img1.png', 'd/img2.JPG', 'd/img10.jpg', 'd/sub2/1.tif', 'd/sub10/1.tif',
    ]  # fmt: skip
    assert [source.name for source in found.sources] == ['clip', 'Img1', 'img2', 'img10', 'sub2/1', 'sub10/1']
    assert [source.index for source in found.sources] == list(range(6))
    assert [source.is_video for source in found.sources] == [True] + [False] * 5
    assert found.skipped == {'': 1, '.txt': 2}
    assert found.failed == ()


def test_spellings_of_one_file_are_one_input(folder):
    make('d/1.jpg', 'd/s/2.jpg')
    (folder / 'link.jpg').symlink_to('d/1.jpg')
    given = (
        'd/1.jpg',
        './d//1.jpg',
        f'{folder}/d/s/../1.jpg',
        'd',
        'd/',
        (folder / 'd/1.jpg').as_uri(),
        'd/s',
        'd/*.jpg',
    )
    assert paths(*given) == ['d/1.jpg', 'd/s/2.jpg']
    assert len(paths('link.jpg', 'd/1.jpg')) == 2, 'a link has its own name'


def test_two_dots_after_a_link_lead_where_the_link_leads(folder):
    make('real/deep/1.jpg', 'real/1.jpg', '1.jpg')
    (folder / 'link').symlink_to('real/deep')
    assert len(paths('link/../1.jpg', 'real/1.jpg')) == 1
    (folder / 'work').mkdir()
    os.chdir('work')
    assert names('../link', '../1.jpg') == ['link/1', '1']
    (folder / 'd').mkdir()
    (folder / 'd' / 'out').symlink_to('../real')
    assert names('../d') == ['out/1', 'out/deep/1']


def test_linked_folders_are_followed_and_circles_are_not(folder):
    make('d/a/1.jpg', 'e/2.jpg')
    for link, target in (('d/a/up', '..'), ('d/self', 'self'), ('d/e', '../e'), ('e/d', '../d')):
        (folder / link).symlink_to(target)
    found = find_sources(['d'])
    assert [source.path for source in found.sources] == ['d/a/1.jpg', 'd/e/2.jpg']
    assert [path for path, _ in found.failed] == ['d/self']
    assert paths('d/**/*.jpg') == ['d/a/1.jpg', 'd/e/2.jpg']


def test_patterns(folder):
    make('d/1.jpg', 'd/a/1.jpg', 'd/a/b/2.png', 'd/a/b/3.dat', 'd/x/images/4.jpg', 'd/a/.h/5.jpg', 'd/notes.txt')
    assert paths('d/*.jpg') == ['d/1.jpg']
    assert paths('d/**/*.jpg') == ['d/1.jpg', 'd/a/1.jpg', 'd/x/images/4.jpg']
    assert names('d/a/**') == ['1', 'b/2']
    assert paths('**/b/?.png') == ['d/a/b/2.png']
    assert paths('./**/[0-3].jpg') == ['./d/1.jpg', './d/a/1.jpg']
    assert paths(f'{folder}/d/**/2.png') == [f'{folder}/d/a/b/2.png']
    assert paths('d/**/*.dat') == ['d/a/b/3.dat'], 'an ending that is spelt out is taken'
    assert paths('d/**/images') == ['d/x/images/4.jpg']
    assert paths('d/?/b') == ['d/a/b/2.png']
    assert names('*/../d/*.jpg') == ['d/1']
    found = find_sources(['d/*'])
    assert [source.name for source in found.sources] == ['1', 'a/1', 'a/b/2', 'x/images/4']
    assert found.skipped == {'.dat': 1, '.txt': 1}


def test_a_real_file_goes_before_a_pattern(folder):
    make('x[1].jpg', 'x1.jpg', 'd[1]/a.jpg', 'd1/b.jpg')
    assert paths('x[1].jpg') == ['x[1].jpg']
    assert paths('x[12].jpg') == ['x1.jpg']
    assert paths('d[1]') == ['d[1]/a.jpg']


def test_a_named_file_is_taken_whatever_its_ending(folder):
    make('picture', 'x.data', '.hidden.jpg', '-', 'clip.webm')
    assert paths('picture', 'x.data', '.hidden.jpg', './-') == ['picture', 'x.data', '.hidden.jpg', './-']
    assert find_sources(['clip.webm']).sources[0].is_video


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('ending', ['\n', '\r\n'])
def test_lists(folder, encoding, ending):
    make('lists/a b.jpg', 'here.jpg', 'both.jpg', 'lists/both.jpg', 'lists/sub/ü.png', ' edge.jpg')
    lines = ['# pictures', '', 'a b.jpg', 'here.jpg', 'both.jpg', '  ', 'sub', 'both.jpg', ' edge.jpg', 'a b.jpg  ',
             f'{folder}/here.jpg', 'http://h/1.jpg']  # fmt: skip
    Path('lists/all.lst').write_bytes(ending.join(lines).encode(encoding))
    assert paths('lists/all.lst') == [
        'lists/a b.jpg', 'here.jpg', 'lists/both.jpg', 'lists/sub/ü.png', ' edge.jpg', 'http://h/1.jpg',
    ]  # fmt: skip


def test_what_a_list_names_and_is_not_there_is_reported(folder):
    make('1.jpg', 'other.txt', 'z.txt')
    (folder / 'none').mkdir()
    Path('all.txt').write_text('1.jpg\ngone.jpg\nother.txt\nnone\ns3://b/x.jpg\n*.gif\nzero\x07\n')
    found = find_sources(['all.txt'])
    assert [source.path for source in found.sources] == ['1.jpg']
    reasons = dict(found.failed)
    assert 'all.txt names it' in reasons['gone.jpg']
    assert 'list inside' in reasons['other.txt']
    assert 'without pictures' in reasons['none']
    assert 'http' in reasons['s3://b/x.jpg']
    assert len(reasons) == 6
    Path('empty.txt').write_text('# nothing\n\n')
    with pytest.raises(ValueError, match=r"'empty.txt' names no path"):
        find_sources(['empty.txt'])


def test_standard_input(folder):
    make('1.jpg', 'd/2 x.jpg')
    Path(os.fsdecode(b'd/\xe9.jpg')).touch()
    assert paths('-', stdin=io.StringIO('1.jpg\nd/2 x.jpg\n')) == ['1.jpg', 'd/2 x.jpg']
    binary = io.TextIOWrapper(io.BytesIO(b'd/\xe9.jpg\x001.jpg\x00'))
    assert paths('-', stdin=binary) == [os.fsdecode(b'd/\xe9.jpg'), '1.jpg']
    with pytest.raises(ValueError, match='standard input names no path'):
        find_sources(['-'], stdin=io.StringIO(''))


def test_addresses(folder):
    make('1.jpg')
    found = find_sources(['https://h.org/a/1.jpg', 'https://h.org/a/1.jpg#x', 'http://h.org/clip.mp4?x=1', '1.jpg'])
    assert [source.path for source in found.sources] == ['https://h.org/a/1.jpg', 'http://h.org/clip.mp4?x=1', '1.jpg']
    assert [source.name for source in found.sources] == ['a/1', 'clip', '1']
    assert [source.is_video for source in found.sources] == [False, True, False]
    for wrong in ('ftp://h/1.jpg', 's3://b/1.jpg', 'http:///1.jpg', 'file://host/1.jpg'):
        with pytest.raises(ValueError, match=wrong):
            find_sources([wrong])


@pytest.mark.parametrize(
    ('argument', 'expected'),
    [('d/imag.jpg', r"d/imag.jpg.*Did you mean 'image.jpg'"), ('d/textz/x', r"in 'd' is no 'textz'.*mean 'texts'"),
     ('', 'no file'), ('d/*.gif', r"pattern 'd/\*.gif' matches nothing.*/d\)"), ('q/**/*.gif', 'no such folder'),
     ('d/empty', r"no picture or video in 'd/empty'"), ('d/texts', r'2 \.md.*Endings taken: .*\.jpg'),
     ('a\0b', 'zero byte')],
)  # fmt: skip
def test_an_argument_that_matches_nothing(folder, argument, expected):
    make('d/image.jpg', 'd/texts/1.md', 'd/texts/2.md')
    (folder / 'd/empty').mkdir()
    with pytest.raises((FileNotFoundError, ValueError), match=expected) as caught:
        find_sources(['d/image.jpg', argument])
    assert str(folder) in str(caught.value) or '\0' in argument


def test_what_is_wrong_in_the_hostile_folder_is_reported(folder):
    expected = write_hostile_folder(folder / 'h')
    found = find_sources(['h'])
    shown = {source.path for source in found.sources}
    reasons = {os.path.relpath(path, 'h'): reason for path, reason in found.failed}
    assert set(reasons) == {'folder.jpg', 'dangling.jpg', 'pipe.png'}
    assert all(expected.bad[name] in reason for name, reason in reasons.items())
    assert shown == {f'h/{name}' for name in expected.good.keys() | expected.bad.keys() - set(reasons)}
    assert found.skipped == {'.md': 1}
    assert len({source.name.casefold() for source in found.sources}) == len(found.sources)
    listed = find_sources(sorted(str(path) for path in Path('h').iterdir() if path.name[0] != '.'))
    assert {path for path, _ in listed.failed} == {f'h/{name}' for name in reasons}, 'as the shell expands h/*'


def test_folders_named_like_pictures(folder):
    make('d/a.jpg/1.png', 'd/b.jpg/notes.md', 'd/1.jpg')
    found = find_sources(['d'])
    assert [source.path for source in found.sources] == ['d/1.jpg', 'd/a.jpg/1.png']
    assert found.failed == (('d/b.jpg', 'a folder, not a picture'),)
    assert find_sources(['d/b.jpg']).failed == (('d/b.jpg', 'a folder, not a picture'),)


def test_a_folder_that_cannot_be_read(folder, monkeypatch):
    make('d/1.jpg', 'd/locked/2.jpg')
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith('locked'):
            raise PermissionError(13, 'Permission denied')
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refusing)
    found = find_sources(['d'])
    assert [source.path for source in found.sources] == ['d/1.jpg']
    assert found.failed == (('d/locked', 'a folder that cannot be read: Permission denied'),)


def test_names_do_not_depend_on_the_order_of_arguments(folder):
    make('a/1.jpg', 'b/1.jpg', 'b/1.png', 'c.jpg')
    expected = {source.path: source.name for source in find_sources(['a', 'b', 'c.jpg']).sources}
    assert expected == {'a/1.jpg': 'a/1', 'b/1.jpg': 'b/1_jpg', 'b/1.png': 'b/1_png', 'c.jpg': 'c'}
    assert {source.path: source.name for source in find_sources(['c.jpg', 'b', 'a']).sources} == expected


def test_many_files_list_in_seconds(folder):
    for sub in range(10):
        (folder / f'd/{sub}').mkdir(parents=True)
        for number in range(1000):
            os.mknod(f'd/{sub}/{number}.jpg')
    start = time.perf_counter()
    assert len(paths('d')) == 10_000
    assert time.perf_counter() - start < 5
