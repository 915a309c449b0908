"""Reading checkpoint files without running code from them.

A pickle can execute anything. Files are read with `weights_only=True`, which admits tensors and plain values, and an
allow-list of what checkpoints contain besides, of mmengine and of the authors of backbones: logged histories, numpy
numbers, settings of a run. A file that needs more is refused.
"""

import argparse
import pickle
import re
import zipfile
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from swin_dense.checkpoints.digests import refuse_changed
from swin_dense.checkpoints.tensor_files import is_safetensors, read_safetensors

_REMEDY = 'Get the file again (a broken download or copy, or a save that was cut off).'
_SUFFIXES = ('.pth', '.pt', '.bin', '.ckpt', '.safetensors', '.npz')


def read_checkpoint(path: str | Path, *, lazy: bool = False) -> dict:
    """Read a file of torch.save, of safetensors or of numpy's savez into a dict; tensors are on the CPU.

    `lazy` maps tensors from the disk when they are used, which makes reading a checkpoint's `meta` cheap.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no checkpoint, is not whole, was changed since it was published, or holds objects that could
            run code.
    """
    path = Path(path)
    refuse_what_is_no_checkpoint(path)
    _refuse_pickled_arrays(path)
    refuse_changed(path)
    if path.suffix == '.safetensors' or is_safetensors(path):
        return _read_safetensors(path)
    if path.suffix == '.npz':
        return _read_arrays(path)
    options = {'mmap': True} if lazy and zipfile.is_zipfile(path) else {}
    try:
        with _allow_list():
            content = torch.load(path, map_location='cpu', weights_only=True, **options)
    except (FileNotFoundError, MemoryError, torch.cuda.OutOfMemoryError):  # deleted since it was looked for; no room
        raise
    except pickle.UnpicklingError as error:
        raise ValueError(_explain_refusal(path, str(error))) from None
    except Exception as error:  # a broken pickle can raise anything
        if not path.exists():  # deleted while it was opened for mapping, of which torch makes a RuntimeError
            raise FileNotFoundError(f'there is no checkpoint {str(path)!r} any more') from error
        if 'not enough memory' in str(error) or "can't allocate memory" in str(error):
            raise MemoryError(f'{path} does not fit into memory: {_first_line(error)}') from error
        raise ValueError(f'{path} cannot be read: {_first_line(error)} {_remedy(path)}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} holds a {type(content).__name__}; a checkpoint is a dict of tensors.')
    return content


def _remedy(path: Path) -> str:
    if path.suffix in _SUFFIXES:
        return _REMEDY
    return f'Weights are in files of {", ".join(_SUFFIXES)}, and this is named {path.suffix or "without a suffix"}.'


def _read_safetensors(path: Path) -> dict:
    from safetensors import SafetensorError

    try:
        return read_safetensors(path)
    except SafetensorError as error:
        raise ValueError(f'{path} is not a whole safetensors file: {error}. {_REMEDY}') from error


def _refuse_pickled_arrays(path: Path) -> None:
    if path.suffix in ('.pkl', '.pickle'):
        raise ValueError(
            f'{path} is a plain pickle, as detectron2 writes them, and can run code when it is read: refused. If you '
            f'trust its author, keep its weights alone: arrays = pickle.load(open({str(path)!r}, "rb"))["model"]; '
            'torch.save({name: torch.as_tensor(array) for name, array in arrays.items()}, "weights.pth")'
        )


def _read_arrays(path: Path) -> dict:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            # arrays of text, which some have beside the weights, are no tensors
            return {
                name: torch.from_numpy(array) if array.dtype.kind in 'biuf' else array.tolist()
                for name, array in arrays.items()
            }
    except MemoryError:
        raise
    except Exception as error:  # a broken archive can raise anything
        raise ValueError(f'{path} cannot be read as numpy arrays: {_first_line(error)} {_REMEDY}') from error


def refuse_what_is_no_checkpoint(path: Path) -> None:
    """Raise if `path` is no file, or if its first bytes are of something else; the rest is not read."""
    if path.is_dir():
        files = [file.name for file in sorted(path.iterdir()) if file.suffix in _SUFFIXES]
        raise ValueError(
            f'{path} is a folder. Give a file of weights{f" in it, such as {files[-1]}" if files else ""}.'
        )
    if not path.is_file():
        raise FileNotFoundError(f'there is no checkpoint {str(path)!r}')
    size = path.stat().st_size
    with open(path, 'rb') as file:
        head = file.read(512)
        # asked of the open file: by its path it may be gone meanwhile, deleted by the run that goes on
        cut_off = head.startswith(b'PK') and not zipfile.is_zipfile(file)
    if not head:
        raise ValueError(f'{path} is empty. {_REMEDY}')
    text = head.lstrip().lower()
    if text.startswith((b'<!doctype', b'<html', b'<?xml')):
        raise ValueError(f'{path} is a web page, not a checkpoint: the download failed or asked for a login.')
    if text.startswith(b'version https://git-lfs'):
        raise ValueError(f'{path} is a Git LFS pointer, not a checkpoint. Fetch it with: git lfs pull')
    if cut_off:
        raise ValueError(f'{path} is cut off after {size:,} bytes: the end of the archive is missing. {_REMEDY}')


def _allow_list() -> AbstractContextManager:
    # torch before 2.5 has no such list: it reads this project's own checkpoints, and refuses mmengine's
    safe_globals = getattr(torch.serialization, 'safe_globals', None)
    return nullcontext() if safe_globals is None else safe_globals(_allowed_globals())


def _allowed_globals() -> list:
    from mmengine.logging import HistoryBuffer

    allowed: list = [HistoryBuffer, np.ndarray, np.dtype, (_history_method, 'builtins.getattr')]
    # settings of a training run: command lines of DeiT, MAE and ShiftViT, the config of official Swin
    allowed += [argparse.Namespace, (OrderedDict, 'yacs.config.CfgNode')]
    allowed += [
        type(np.dtype(kind)) for kind in ('?', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8')
    ]
    multiarray = (np._core if hasattr(np, '_core') else np.core).multiarray
    for function in (multiarray._reconstruct, multiarray.scalar):
        # numpy 2 renamed the package; files name either
        allowed += [(function, f'numpy.{core}.multiarray.{function.__name__}') for core in ('core', '_core')]
    return allowed


def _history_method(owner: Any, name: str) -> Any:
    """Stand in for `getattr`, by which mmengine pickles the statistics of a history: gives those and nothing else."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'Unsupported global: GLOBAL builtins.getattr of {name!r}')
    return getattr(HistoryBuffer, name)


def _explain_refusal(path: Path, message: str) -> str:
    if 'GLOBAL' in message or 'Unsupported global' in message or 'not an allowed' in message or 'allowlist' in message:
        found = re.search(r"(?:GLOBAL |got <class ')([\w.]+)", message)
        needed = found[1] if found else 'objects'
        return (
            f'{path} needs {needed}, which can run code when it is read: refused. If you trust its author, keep its '
            f'weights alone: torch.save(torch.load({str(path)!r}, weights_only=False)["state_dict"], "weights.pth")'
        )
    # torch begins with general advice
    reason = _first_line(message.rpartition('WeightsUnpickler error:')[2])
    return f'{path} is not a checkpoint, or not a whole one: {reason} {_remedy(path)}'


def _first_line(error: object) -> str:
    return str(error).strip().split('\n', 1)[0]
