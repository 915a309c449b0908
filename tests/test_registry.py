"""Names in an own scope: any order of imports, the same file twice, two files with one name."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from swin_dense.registry import MODELS, Registry

ROOT = Path(__file__).resolve().parents[1]
MODULES = ('swin_dense.backbones', 'mmdet.models', 'mmseg.models')
CLASS = 'class Thing:\n    pass\n'


@pytest.mark.slow
@pytest.mark.parametrize('order', list(itertools.permutations(MODULES)), ids='-'.join)
def test_imports_in_any_order(order):
    # `swin_dense` itself goes first: mmdet imports only after it, where mmcv has no compiled operators
    code = f"""
import warnings
warnings.simplefilter('ignore')
import swin_dense, importlib
for name in {order!r}:
    importlib.import_module(name)
from mmengine.registry import MODELS
kinds = [MODELS.get(f'{{scope}}.SwinTransformer') for scope in ('swin_dense', 'mmdet', 'mmseg')]
assert len(set(kinds)) == 3, kinds
"""
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run_file(path, registry):
    """Run a file as notebooks do: again and again, in a module that is not kept."""
    scope = {'__name__': path.stem, '__file__': str(path)}
    exec(compile(f'{path.read_text()}\n', str(path), 'exec'), scope)
    scope['Thing'].__module__ = path.stem
    sys.modules[path.stem] = type(sys)(path.stem)
    sys.modules[path.stem].__file__ = str(path)
    registry.register_module(module=scope['Thing'])
    return scope['Thing']


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(sys, 'modules', dict(sys.modules))
    return Registry('thing', scope='test')


def test_the_same_file_again_takes_the_place_of_the_first(tmp_path, registry):
    (tmp_path / 'first.py').write_text(CLASS)
    run_file(tmp_path / 'first.py', registry)
    again = run_file(tmp_path / 'first.py', registry)
    assert registry.get('Thing') is again


def test_another_file_with_the_same_name_is_an_error_with_both(tmp_path, registry):
    for name in ('first', 'second'):
        (tmp_path / f'{name}.py').write_text(CLASS)
    kept = run_file(tmp_path / 'first.py', registry)
    with pytest.raises(KeyError, match=r'test::thing.*first\.py.*second\.py'):
        run_file(tmp_path / 'second.py', registry)
    assert registry.get('Thing') is kept


def test_the_registries_of_this_package_are_such():
    assert isinstance(MODELS, Registry)
