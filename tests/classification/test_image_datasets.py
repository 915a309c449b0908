"""Folders, lists and tar files of labelled images, and what becomes of broken ones."""

import os
import time

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.registry import DefaultScope
from torch.utils.data import BatchSampler, DataLoader

from swin_dense.classification.image_datasets import ImageFolderDataset, ImageListDataset
from swin_dense.classification.image_index import image_index
from swin_dense.datasets import broken_samples
from swin_dense.engine.errors import DataError
from swin_dense.engine.exact_data import ResumableBatches, exact_loader
from swin_dense.engine.fingerprints import data_fingerprint
from tests.classification.image_files import encoded, picture, write_folders, write_tar, write_tar_of_tars

PIPELINE = [{'type': 'swin_dense.ReadImage'}, {'type': 'swin_dense.PackImage'}]


def made(kind, root, *, image='train', **options):
    with DefaultScope.overwrite_default_scope('swin_dense'):
        return kind(data_root=str(root), data_prefix={'image': image}, pipeline=PIPELINE, **options)


def pixels(dataset):
    return [(int(each['data_samples'].gt_label), each['inputs'].numpy()) for each in dataset]


def test_folders(tmp_path):
    files = write_folders(tmp_path / 'train')
    (tmp_path / 'train' / 'dog' / 'deeper').mkdir()
    (tmp_path / 'train' / 'dog' / 'deeper' / 'a b.JPG').write_bytes(encoded(picture(99), 'JPEG'))
    (tmp_path / 'train' / 'dog' / 'notes.txt').write_text('no picture')
    dataset = made(ImageFolderDataset, tmp_path)
    assert dataset.metainfo['classes'] == ('cat', 'dog')
    names = [os.path.relpath(dataset.get_data_info(number)['path'], tmp_path / 'train') for number in range(7)]
    assert names == sorted([*files, 'dog/deeper/a b.JPG'])
    assert [dataset.get_data_info(number)['label'] for number in range(-7, 0)] == [0] * 3 + [1] * 4
    for number, name in enumerate(sorted(files)[:3]):
        assert np.array_equal(dataset[number]['inputs'].permute(1, 2, 0).numpy(), np.asarray(picture(int(name[4]))))


@pytest.mark.parametrize('write', [write_tar, write_tar_of_tars])
def test_tars_are_the_folders(tmp_path, write, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path / 'home'))
    files = write_folders(tmp_path / 'train')
    write(tmp_path / 'train.tar', files)
    folders, tar = made(ImageFolderDataset, tmp_path), made(ImageFolderDataset, tmp_path, image='train.tar')
    for (label, image), (other, same) in zip(pixels(folders), pixels(tar), strict=True):
        assert label == other
        assert np.array_equal(image, same)
    assert (tmp_path / 'train.tar.index.npz').is_file()
    write(tmp_path / 'train.tar', dict(list(files.items())[:4]))  # another file under the same name
    assert len(made(ImageFolderDataset, tmp_path, image='train.tar')) == 4
    (tmp_path / 'train.tar.index.npz').write_bytes(b'damaged')
    assert len(made(ImageFolderDataset, tmp_path, image='train.tar')) == 4
    listed = tmp_path / 'val.txt'
    listed.write_text('dog/0.png 1\ncat/2.png 0\n')
    write(tmp_path / 'train.tar', files)
    both = [
        made(ImageListDataset, tmp_path, image=place, ann_file='val.txt', metainfo={'classes': ('cat', 'dog')})
        for place in ('train', 'train.tar')
    ]
    for (label, image), (other, same) in zip(*map(pixels, both), strict=True):
        assert (label, image.tobytes()) == (other, same.tobytes())


def test_lists(tmp_path):
    write_folders(tmp_path / 'train', classes=('a cat', 'dog'))
    (tmp_path / 'list.txt').write_text('a cat/0.png 0\n\ndog/1.png dog\na cat/2.png\t1\n')
    dataset = made(ImageListDataset, tmp_path, ann_file='list.txt', metainfo={'classes': ('cat', 'dog')})
    assert [label for label, _ in pixels(dataset)] == [0, 1, 1]
    for line, message in (
        ('a.png 2', r'list.txt, line 2: .a\.png 2. does not end in a label, a number from 0 to 1'),
        ('a.png fish', 'line 2'),
        ('1', 'line 2'),
    ):
        (tmp_path / 'list.txt').write_text(f'dog/0.png 1\n{line}\n')
        with pytest.raises(DataError, match=message):
            made(ImageListDataset, tmp_path, ann_file='list.txt', metainfo={'classes': ('cat', 'dog')})
    with pytest.raises(DataError, match='does not know its classes'):
        made(ImageListDataset, tmp_path, ann_file='list.txt')
    with pytest.raises(DataError, match=r'none\.txt cannot be read: No such file'):
        made(ImageListDataset, tmp_path, ann_file='none.txt', metainfo={'classes': ('cat', 'dog')})


def test_says_what_is_wrong(tmp_path):
    write_folders(tmp_path / 'train')
    with pytest.raises(DataError, match=r'folders that are no class: dog; there are 1 classes, cat'):
        made(ImageFolderDataset, tmp_path, metainfo={'classes': ('cat',)})
    with pytest.raises(DataError, match='no folder for 1 of the classes: fish'):
        made(ImageFolderDataset, tmp_path, metainfo={'classes': ('cat', 'dog', 'fish')})
    assert len(made(ImageFolderDataset, tmp_path, metainfo={'classes': ('cat', 'dog', 'fish')}, test_mode=True)) == 6
    with pytest.raises(DataError, match=r'nowhere is not there .*data_prefix\.image'):
        made(ImageFolderDataset, tmp_path, image='nowhere')
    (tmp_path / 'empty' / 'cat').mkdir(parents=True)
    with pytest.raises(DataError, match='empty has no image'):
        made(ImageFolderDataset, tmp_path, image='empty')
    with pytest.raises(ValueError, match='on_broken is one of raise, skip'):
        made(ImageFolderDataset, tmp_path, on_broken='ignore')


def broken(tmp_path):
    files = write_folders(tmp_path / 'train', count=4)
    (tmp_path / 'train' / 'cat' / '1.png').write_bytes(files['cat/1.png'][:200])
    (tmp_path / 'train' / 'dog' / '2.png').write_text('text with the ending of a picture')


def drawn(dataset, workers):
    loader = exact_loader(
        DataLoader(dataset, batch_size=4, sampler=DefaultSampler(dataset, shuffle=True, seed=3), num_workers=workers,
                   collate_fn=list, multiprocessing_context='fork' if workers else None),
        seed=5, endless=False,
    )  # fmt: skip
    return [str(sample['data_samples'].path) for batch in loader for sample in batch]


def test_broken_images_are_named_skipped_and_counted(tmp_path, monkeypatch):
    broken(tmp_path)
    plain, in_workers = made(ImageFolderDataset, tmp_path), made(ImageFolderDataset, tmp_path)
    told: list[str] = []
    monkeypatch.setattr(broken_samples, 'print_log', lambda text, *_: told.append(text))
    first, again = drawn(plain, 0), drawn(plain, 0)
    assert first == drawn(in_workers, 2) == again  # others are drawn by the sample's seed
    assert len(first) == 8
    assert not [path for path in first if path.endswith(('cat/1.png', 'dog/2.png'))]
    assert len([text for text in told if 'cat/1.png cannot be read and is skipped: ' in text]) == 1
    assert len([text for text in told if 'dog/2.png cannot be read and is skipped: no picture' in text]) == 1
    # two, and what is drawn for them may be broken, too; of both workers
    assert 2 <= in_workers.num_skipped == plain.num_skipped / 2 <= 4


def test_broken_images_of_tests_stay(tmp_path):
    broken(tmp_path)
    dataset = made(ImageFolderDataset, tmp_path, test_mode=True)
    samples = [dataset[number] for number in range(8)]
    assert [number for number, each in enumerate(samples) if 'broken' in each['data_samples']] == [1, 6]
    assert samples[1]['inputs'].shape == (3, 0, 0)
    with pytest.raises(DataError, match=r'cat/1.png: .*on_broken=.skip. goes on'):
        made(ImageFolderDataset, tmp_path, on_broken='raise')[1]


def test_all_broken(tmp_path):
    (tmp_path / 'train' / 'cat').mkdir(parents=True)
    (tmp_path / 'train' / 'cat' / 'a.png').write_bytes(b'')
    with pytest.raises(DataError, match=r'6 images, one after the other, cannot be read; the last is .*a\.png'):
        made(ImageFolderDataset, tmp_path, max_refetch=5)[0]


def test_index_is_small():
    rows = [(f'n{number % 1000:08d}/n{number % 1000:08d}_{number}.JPEG', number % 1000) for number in range(50_000)]
    index = image_index(iter(rows))
    assert index.nbytes <= sum(len(name) for name, _ in rows) + 16 * len(rows)
    for number in (0, 1, 777, 49_999):
        assert (index.name(number), index.labels[number]) == rows[number]
    assert index.chosen([3, 1]).name(0) == rows[3][0]
    assert index.digest() == image_index(rows).digest() != image_index(rows[1:]).digest()


def test_resuming_replays_nothing():
    """The same batches as of a run that was not interrupted, at the size of ImageNet, and no file is looked at."""
    index = image_index((f'{number}.jpg', 0) for number in range(1_281_167))

    class Untouchable(torch.utils.data.Dataset):
        def __len__(self):
            return len(index)

        def __getitem__(self, number):
            raise AssertionError('a sample was loaded')

    def batches(first):
        data = Untouchable()
        sampler = DefaultSampler(data, shuffle=True, seed=0)
        resumed = ResumableBatches(BatchSampler(sampler, 128, drop_last=True), seed=0, endless=False)
        resumed.start(cycle=7, batch=first)
        return iter(resumed)

    whole = batches(0)
    for _ in range(9000):
        next(whole)
    start = time.monotonic()
    later = batches(9000)
    found = next(later)
    assert time.monotonic() - start < 5
    assert found == next(whole)


def test_fingerprint_is_of_names_labels_and_content(tmp_path):
    write_folders(tmp_path / 'a' / 'train')
    write_folders(tmp_path / 'b' / 'train')
    prints = [data_fingerprint(made(ImageFolderDataset, tmp_path / each)) for each in 'ab']
    assert prints[0] == prints[1]
    (tmp_path / 'b' / 'train' / 'cat' / '0.png').write_bytes(encoded(picture(500)))
    assert data_fingerprint(made(ImageFolderDataset, tmp_path / 'b')) != prints[0]
    (tmp_path / 'a' / 'train' / 'cat' / '9.png').write_bytes(encoded(picture(500)))
    assert data_fingerprint(made(ImageFolderDataset, tmp_path / 'a')) != prints[0]
