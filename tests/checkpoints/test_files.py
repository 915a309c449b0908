"""Reading checkpoint files: what is admitted, what is refused, and what broken files say."""

import argparse
import collections
import copy
import datetime
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file

from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.tensor_files import safetensors_bytes


def test_checkpoints_of_mmengine_are_read(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    content = {
        'state_dict': {'a': torch.ones(3)},
        'message_hub': {'log_scalars': {'loss': history}, 'runtime_info': {'x': np.float64(2), 'y': np.arange(4)}},
    }
    torch.save(content, tmp_path / 'mm.pth')
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'mm.pth', weights_only=True)
    read = read_checkpoint(tmp_path / 'mm.pth')
    assert read['message_hub']['log_scalars']['loss'].mean() == 1.5
    assert read['message_hub']['runtime_info']['x'] == 2
    assert np.array_equal(read['message_hub']['runtime_info']['y'], np.arange(4))


def test_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/ran',)

    torch.save({'state_dict': {}, 'x': Evil()}, tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match=r'(posix|nt)\.system, which can run code'):
        read_checkpoint(tmp_path / 'evil.pth')
    assert not (tmp_path / 'ran').exists()


class _Attribute:
    """Pickles as getattr(HistoryBuffer, '__init__'): a way to anything reachable from a function."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_getattr_reaches_statistics_only(tmp_path):
    torch.save({'x': _Attribute()}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='can run code'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'is empty'),
        (b'<!DOCTYPE html><html>login</html>', 'web page'),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:1', 'git lfs pull'),
        (b'abcdefg' * 100, 'cannot be read|not a checkpoint'),
        ('cut', 'cut off after'),
    ],
)
def test_broken_files_say_so(tmp_path, content, message):
    path = tmp_path / 'a.pth'
    if content == 'cut':
        torch.save({'state_dict': {'weight': torch.ones(3000)}}, path)
        content = path.read_bytes()[:-50]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


def test_missing_files_and_lists_say_so(tmp_path):
    with pytest.raises(FileNotFoundError, match='there is no checkpoint'):
        read_checkpoint(tmp_path / 'none.pth')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='holds a list'):
        read_checkpoint(tmp_path / 'list.pth')


def test_safetensors(tmp_path):
    save_file({'a': torch.arange(5.0)}, tmp_path / 'a.safetensors')
    assert torch.equal(read_checkpoint(tmp_path / 'a.safetensors')['a'], torch.arange(5.0))
    (tmp_path / 'b.safetensors').write_bytes((tmp_path / 'a.safetensors').read_bytes()[:-3])
    with pytest.raises(ValueError, match='not a whole safetensors'):
        read_checkpoint(tmp_path / 'b.safetensors')


def test_arrays_of_numpy(tmp_path):
    arrays = {'a/kernel': np.arange(6.0, dtype=np.float32).reshape(2, 3), 'step': np.int64(7), 'name': np.array('ViT')}
    np.savez(tmp_path / 'a.npz', **arrays)
    read = read_checkpoint(tmp_path / 'a.npz')
    assert torch.equal(read['a/kernel'], torch.arange(6.0).view(2, 3))
    assert (read['step'], read['name']) == (torch.tensor(7), 'ViT')


def test_arrays_that_could_run_code_or_are_cut_off_are_refused(tmp_path):
    np.savez(tmp_path / 'objects.npz', a=np.array([{}, []], dtype=object))
    with pytest.raises(ValueError, match='cannot be read as numpy arrays: Object arrays cannot be loaded'):
        read_checkpoint(tmp_path / 'objects.npz')
    np.savez(tmp_path / 'whole.npz', a=np.ones(3000))
    whole = (tmp_path / 'whole.npz').read_bytes()
    (tmp_path / 'cut.npz').write_bytes(whole[:-50])
    with pytest.raises(ValueError, match='cut off after'):
        read_checkpoint(tmp_path / 'cut.npz')
    (tmp_path / 'changed.npz').write_bytes(whole[:1000] + b'xx' + whole[1002:])
    with pytest.raises(ValueError, match='cannot be read as numpy arrays: Bad CRC'):
        read_checkpoint(tmp_path / 'changed.npz')


@pytest.mark.parametrize('suffix', ['.safetensors', '.npz'])
def test_web_pages_under_any_name(tmp_path, suffix):
    path = tmp_path / f'swin{suffix}'
    path.write_bytes(b'<!DOCTYPE html><html>login</html>')
    with pytest.raises(ValueError, match='web page'):
        read_checkpoint(path)


def test_pickles_of_detectron2_are_refused_with_the_way_to_read_them(tmp_path):
    (tmp_path / 'model_final.pkl').write_bytes(pickle.dumps({'model': {'a': np.ones(2)}}))
    with pytest.raises(ValueError, match=r'as detectron2 writes them, .*refused\. If you '):
        read_checkpoint(tmp_path / 'model_final.pkl')


def test_settings_of_official_training_are_read(tmp_path):
    """DeiT, MAE and ShiftViT save the command line with the weights, official Swin its config, of a class of yacs."""
    config = type('CfgNode', (dict,), {'__module__': 'yacs.config'})
    yacs = types.ModuleType('yacs.config')
    yacs.CfgNode = config
    with pytest.MonkeyPatch.context() as patch:  # as if it were installed where the file was written
        patch.setitem(sys.modules, 'yacs', types.ModuleType('yacs'))
        patch.setitem(sys.modules, 'yacs.config', yacs)
        content = {'model': {'a': torch.ones(3)}, 'args': argparse.Namespace(lr=0.1)}
        torch.save({**content, 'config': config(MODEL=config(DEPTHS=[2, 2]))}, tmp_path / 'swin.pth')
    read = read_checkpoint(tmp_path / 'swin.pth')
    assert torch.equal(read['model']['a'], torch.ones(3))
    assert read['args'].lr == 0.1
    assert read['config'] == {'MODEL': {'DEPTHS': [2, 2]}}


def test_refusals_say_what_torch_found_not_what_it_advises(tmp_path):
    torch.save({'model': {}, 'x': datetime.timedelta(1)}, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=r'needs datetime\.timedelta, which can run code'):
        read_checkpoint(tmp_path / 'other.pth')
    torch.save({'x': np.str_('a')}, tmp_path / 'text.pth')
    with pytest.raises(ValueError, match=r'needs numpy\.\S*, which can run code') as caught:
        read_checkpoint(tmp_path / 'text.pth')
    assert 'Get the file again' not in str(caught.value)
    torch.save({'x': collections.Counter('a')}, tmp_path / 'kept.pth')
    content = (tmp_path / 'kept.pth').read_bytes()
    (tmp_path / 'broken.pth').write_bytes(content.replace(b'\x80\x02}', b'\x80\x02\xff', 1))
    with pytest.raises(ValueError, match='not a whole one: Unsupported operand 255 Get the file again'):
        read_checkpoint(tmp_path / 'broken.pth')


def test_safetensors_with_what_is_known_of_them(tmp_path):
    """As tools/publish.py writes them: order, versions of modules and plain values come back, and equal files do."""
    model = torch.nn.Sequential(collections.OrderedDict(z=torch.nn.BatchNorm1d(2), a=torch.nn.Linear(2, 2)))
    state, meta = model.state_dict(), {'dataset_meta': {'classes': ['cat', 'dog']}, 'cfg': 'lr = 0.1'}
    state['tied'] = state['a.weight']
    (tmp_path / 'a.safetensors').write_bytes(safetensors_bytes(state, meta))
    read = read_checkpoint(tmp_path / 'a.safetensors')
    assert read['meta'] == meta
    assert list(read['state_dict']) == list(state)
    assert all(torch.equal(read['state_dict'][name], tensor) for name, tensor in state.items())
    assert dict(read['state_dict']._metadata) == dict(state._metadata)
    assert safetensors_bytes(copy.deepcopy(state), dict(reversed(meta.items()))) == safetensors_bytes(state, meta)


@pytest.mark.parametrize(
    'header',
    [
        'no json',
        '[' * 100_000,
        '[]',
        'null',
        '{}',
        '{"meta": "text", "names": ["a"], "module_versions": {}}',
        '{"meta": {"dataset_meta": "cats"}, "names": ["a"], "module_versions": {}}',
        '{"meta": {}, "names": ["b"], "module_versions": {}}',
        '{"meta": {}, "names": ["a", "a"], "module_versions": {}}',
        '{"meta": {}, "names": [["a"]], "module_versions": {}}',
        '{"meta": {}, "names": 3, "module_versions": {}}',
        '{"meta": {}, "names": ["a"], "module_versions": {"": 2}}',
    ],
)
def test_a_header_by_somebody_else_is_left_alone_with_a_note(header, tmp_path, messages):
    save_file({'a': torch.arange(5.0)}, tmp_path / 'a.safetensors', {'swin_dense': header})
    read = read_checkpoint(tmp_path / 'a.safetensors')
    assert list(read) == ['a']
    assert torch.equal(read['a'], torch.arange(5.0))
    assert [message for message in messages if "its header 'swin_dense' is not one that this package writes" in message]


def test_safetensors_under_another_name(tmp_path):
    save_file({'a': torch.arange(5.0)}, tmp_path / 'model.bin')
    assert torch.equal(read_checkpoint(tmp_path / 'model.bin')['a'], torch.arange(5.0))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError, match=r'is a folder\. Give a file of weights\.'):
        read_checkpoint(tmp_path)
    for name in ('epoch_1.pth', 'epoch_2.pth', 'log.txt'):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r'is a folder\. Give a file of weights in it, such as epoch_2\.pth\.'):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize('name', ['config.py', 'model.onnx', 'weights.h5', 'weights'])
def test_files_of_other_kinds(name, tmp_path):
    (tmp_path / name).write_bytes(b'model = dict(type=1)' * 9)
    suffix = '.' + name.partition('.')[2] if '.' in name else 'without a suffix'
    with pytest.raises(ValueError, match=rf'Weights are in files of \.pth, .*, and this is named {suffix}\.') as caught:
        read_checkpoint(tmp_path / name)
    assert 'Get the file again' not in str(caught.value)


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (torch.cuda.OutOfMemoryError('CUDA out of memory.'), torch.cuda.OutOfMemoryError),
        (MemoryError(), MemoryError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), MemoryError),
    ],
    ids=['CUDA', 'Python', 'CPU'],
)
def test_too_little_memory_is_not_the_fault_of_the_file(error, expected, tmp_path, monkeypatch):
    torch.save({'a': torch.ones(3)}, tmp_path / 'a.pth')

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torch, 'load', fail)
    with pytest.raises(expected) as caught:
        read_checkpoint(tmp_path / 'a.pth')
    assert 'Get the file again' not in str(caught.value)


def test_an_old_checkpoint_of_mmengine(tmp_path):
    """Of numpy 1, whose parts had other names; histories are of them."""
    content = {'state_dict': {'a': torch.ones(3)}, 'message_hub': {'loss': HistoryBuffer([1.0, 2.0], [1, 1])}}
    torch.save(content, tmp_path / 'new.pth')
    with zipfile.ZipFile(tmp_path / 'new.pth') as new, zipfile.ZipFile(tmp_path / 'old.pth', 'w') as old:
        for item in new.infolist():
            data = new.read(item)
            if item.filename.endswith('/data.pkl'):
                assert b'numpy._core.multiarray' in data
                data = data.replace(b'numpy._core.multiarray', b'numpy.core.multiarray')
            old.writestr(item.filename.replace('new/', 'old/'), data)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'old.pth', weights_only=True)
    assert read_checkpoint(tmp_path / 'old.pth')['message_hub']['loss'].mean() == 1.5


def test_a_file_deleted_while_it_is_opened_is_missing_not_broken(tmp_path, monkeypatch):
    path = tmp_path / 'gone.pth'
    torch.save({'a': torch.ones(2)}, path)

    def load(*args, **options):
        path.unlink()
        raise RuntimeError('unable to open file in read-only mode: No such file or directory (2)')

    monkeypatch.setattr(torch, 'load', load)
    with pytest.raises(FileNotFoundError, match='any more'):
        read_checkpoint(path, lazy=True)
