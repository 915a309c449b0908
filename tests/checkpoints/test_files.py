"""Reading checkpoint files: what is admitted, what is refused, and what broken files say."""

import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from swin_dense.checkpoints.files import read_checkpoint


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
    from safetensors.torch import save_file

    save_file({'a': torch.arange(5.0)}, tmp_path / 'a.safetensors')
    assert torch.equal(read_checkpoint(tmp_path / 'a.safetensors')['a'], torch.arange(5.0))
    (tmp_path / 'b.safetensors').write_bytes((tmp_path / 'a.safetensors').read_bytes()[:-3])
    with pytest.raises(ValueError, match='not a whole safetensors'):
        read_checkpoint(tmp_path / 'b.safetensors')
