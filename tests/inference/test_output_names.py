"""Names of outputs: mirrored, unique on any file system, inside the output folder, independent of the order."""

import hashlib
import itertools
import os
import random

import pytest

from swin_dense.inference.output_names import MAX_COMPONENT_BYTES, output_names


def names(*paths, roots=('/data',)):
    return output_names(paths, roots)


def digest(text):
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


def test_sub_folders_are_mirrored_and_endings_go():
    assert names('/data/a.jpg', '/data/sub/b.tar.png', '/data/sub/deep/c') == ['a', 'sub/b.tar', 'sub/deep/c']


def test_names_are_relative_to_the_common_parent_of_the_roots():
    assert names('/x/one/1.jpg', '/x/two/1.jpg', roots=('/x/one', '/x/two')) == ['one/1', 'two/1']
    assert names('/x/one/1.jpg', '/x/one/s/1.jpg', roots=('/x/one', '/x/one/s')) == ['1', 's/1']
    assert names('/x/on/1.jpg', '/x/one/1.jpg', roots=('/x/on', '/x/one')) == ['on/1', 'one/1']
    assert names('/1.jpg', roots=('/',)) == ['1']


def test_addresses_are_named_by_what_differs():
    urls = ('https://A.org/x/1.jpg', 'https://b.org:80/x/1.jpg')
    assert names(urls[0], roots=('https://A.org/x/',)) == ['1']
    assert names(*urls, roots=('https://A.org/x/', 'https://b.org:80/x/')) == ['a.org/x/1', 'b.org_80/x/1']
    found = names('https://u:pw@a.org/1.jpg?k=1', 'https://u:pw@a.org/1.jpg?k=2', roots=('https://u:pw@a.org/',))
    assert found == [f'1_jpg~{digest(f"https://u:pw@a.org/1.jpg?k={key}")}' for key in (1, 2)]


def test_equal_stems_get_their_endings():
    assert names('/data/a.jpg', '/data/a.png', '/data/b.jpg') == ['a_jpg', 'a_png', 'b']
    assert names('/data/a', '/data/a.png') == ['a', 'a_png']
    assert names('/data/A.jpg', '/data/a.png') == ['A_jpg', 'a_png']


@pytest.mark.parametrize(
    'stems',
    [('A', 'a'), ('straße', 'STRASSE'), ('caf\u00e9', 'cafe\u0301'), ('ﬁ', 'fi')],
    ids=('case', 'sharp s', 'composed', 'ligature'),
)
def test_what_file_systems_take_for_one_name_gets_a_mark(stems):
    paths = [f'/data/{stem}.jpg' for stem in stems]
    assert names(*paths) == [f'{stem}_jpg~{digest(path)}' for stem, path in zip(stems, paths, strict=True)]


def test_a_name_that_looks_like_a_marked_one_is_not_overwritten():
    assert names('/data/a.jpg', '/data/a.png', '/data/a_jpg.gif') == [
        f'a_jpg~{digest("/data/a.jpg")}', 'a_png', f'a_jpg~{digest("/data/a_jpg.gif")}',
    ]  # fmt: skip
    trap = f'/data/A_jpg~{digest("/data/A.jpg")}.png'
    found = names('/data/A.jpg', '/data/a.jpg', trap)
    assert len({name.casefold() for name in found}) == 3


def test_folders_that_differ_in_case_keep_their_files_apart():
    found = names('/data/A/x.jpg', '/data/a/x.jpg', '/data/a/y.jpg')
    assert len({name.casefold() for name in found}) == 3
    assert found[2] == 'a/y'


def test_the_order_of_inputs_does_not_matter():
    paths = ['/data/a.jpg', '/data/A.jpg', '/data/a.png', '/data/a_png.jpg', '/data/s/a.jpg', 'http://h/a.jpg']
    roots = ['/data', 'http://h/', '/data/s']
    expected = dict(zip(paths, output_names(paths, roots), strict=True))
    assert len({name.casefold() for name in expected.values()}) == len(paths)
    for order in itertools.islice(itertools.permutations(paths), 0, 720, 7):
        random.shuffle(roots)
        assert dict(zip(order, output_names(order, roots), strict=True)) == expected


@pytest.mark.parametrize(
    'hostile',
    ['http://h/%2e%2e/%2e%2e/etc/passwd.jpg', 'http://h/..%2f..%2fx.jpg', 'http://h//etc/x.jpg', 'http://h/C:%5Cx.jpg',
     '/data/C:\\x\\..\\y.jpg', '/data/line\nbreak\x07\x9b.jpg', 'http://h/%00.jpg', 'http://h/.', 'http://h/..'],
)  # fmt: skip
def test_names_stay_inside_the_output_folder(hostile, tmp_path):
    (name,) = output_names([hostile], ['http://h/', '/data'])
    assert not set(name) & set('\\:\n\x00\x07\x9b')
    assert '..' not in name.split('/')
    out = str(tmp_path)
    assert os.path.normpath(os.path.join(out, name)).startswith(out + os.sep)


def test_long_names_are_cut_between_characters():
    long, other = 'ü' * 120 + '1', 'ü' * 120 + '2'
    found = names(f'/data/{long}.jpg', f'/data/{other}.jpg', f'/data/{long}/a.jpg', f'/data/{long}/b.jpg')
    assert found[0] == 'ü' * 85 + f'~{digest(long)}'
    assert found[0] != found[1]
    assert found[2].rpartition('/')[0] == found[3].rpartition('/')[0] == found[0]
    exactly = 'x' * MAX_COMPONENT_BYTES
    assert names(f'/data/{exactly}.jpg') == [exactly]
    for name in names('/data/' + 'x' * 100 + '.' + 'y' * 140, '/data/' + 'x' * 100, '/data/' + 'X' * 100):
        assert len(name.encode()) <= MAX_COMPONENT_BYTES


def test_bytes_that_are_not_utf8_are_spelt_out():
    path = os.fsdecode(b'/data/caf\xe9\xff.jpg')
    assert names(path) == ['caf%E9%FF']
    twins = names(path, '/data/caf%E9%FF.jpg')
    assert twins == [f'caf%E9%FF_jpg~{digest(path)}', f'caf%E9%FF_jpg~{digest("/data/caf%E9%FF.jpg")}']


def test_a_folder_is_not_in_the_way_of_a_file():
    assert names('/data/x.jpg/a.png', '/data/x.png', '/data/v1.2/b.png') == ['x_jpg/a', 'x', 'v1.2/b']
