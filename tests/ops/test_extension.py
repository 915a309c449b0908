"""`mmcv._ext` where it is missing. Most tests run a fresh interpreter: what is imported when is the question."""

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmcv import ops

from swin_dense.ops import adapters, extension, torchvision_kernels

ROOT = Path(__file__).parents[2]


def run(code, *paths):
    """The output of a fresh interpreter, in which only errors count, not warnings of other packages."""
    path = os.pathsep.join([str(ROOT), *map(str, paths)])
    environment = {**os.environ, 'PYTHONPATH': path, 'PYTHONWARNINGS': 'ignore'}
    result = subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_importing_is_light():
    heavy = run("import sys, swin_dense; print(*{'torch', 'mmcv', 'mmengine', 'mmdet', 'mmseg'} & set(sys.modules))")
    assert heavy == []


@pytest.mark.parametrize(
    'imports',
    [
        'import swin_dense, mmcv.ops',
        'import mmdet, mmseg, swin_dense, mmcv.ops',
        # whatever version mmcv says it has: what is there is probed, no version is asserted
        "import mmcv; mmcv.__version__ = '9.9'; import swin_dense, mmcv.ops",
    ],
)
def test_orders_of_import(imports):
    code = f'{imports}; import torch; print(mmcv.ops.nms(torch.eye(4), torch.ones(4), 0.5)[1].numel())'
    assert run(code) == ['4']


def test_coming_too_late_is_said():
    code = """
import sys, types, warnings
sys.modules['mmdet.structures'] = types.ModuleType('mmdet.structures')
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    import swin_dense
print(len(caught), caught[0].filename == '<string>', 'Import swin_dense first' in str(caught[0].message))
"""
    assert run(code) == ['1', 'True', 'True']


def test_a_compiled_extension_wins(tmp_path):
    """One that the usual finders find is imported as if swin_dense were not there, nothing of it is replaced."""
    (tmp_path / '_ext.py').write_text('nms = "compiled"\n')
    code = (
        'import swin_dense, mmcv; mmcv.__path__.append({!r}); '
        "import mmcv._ext as ext; print(ext.__file__, ext.nms, hasattr(ext, 'softnms'))"
    )
    assert run(code.format(str(tmp_path))) == [str(tmp_path / '_ext.py'), 'compiled', 'False']


def test_the_finder_is_last_and_alone():
    extension.install()
    extension.install()
    finders = [isinstance(finder, extension.ExtensionFinder) for finder in sys.meta_path]
    assert sum(finders) == 1
    assert extension.ExtensionFinder().find_spec('mmcv.ops', None) is None
    assert run('import sys, swin_dense; print(type(sys.meta_path[-1]).__name__)') == ['ExtensionFinder']


def test_other_operators_say_what_they_need():
    with pytest.raises(NotImplementedError, match=r"'ball_query_forward' of mmcv needs a compiled mmcv.*pip install"):
        ops.ball_query(0.0, 1.0, 3, torch.zeros(1, 4, 3), torch.zeros(1, 2, 3))


def test_the_module_is_no_package_and_has_no_private_names():
    import mmcv._ext as ext

    assert not hasattr(ext, '__path__')
    assert not hasattr(ext, '_anything')


def test_every_adapter_has_the_parameters_that_mmcv_passes():
    """mmcv passes by position first, then by keyword: these are the keywords of each call in its source."""
    checked = set()
    for file in Path(ops.__file__).parent.glob('*.py'):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if getattr(node.func.value, 'id', None) != 'ext_module' or node.func.attr not in adapters.__all__:
                continue
            keywords = {keyword.arg: None for keyword in node.keywords if keyword.arg}
            positional = [None for value in node.args if not isinstance(value, ast.Starred)]
            if len(positional) == len(node.args) and len(keywords) == len(node.keywords):
                inspect.signature(getattr(adapters, node.func.attr)).bind(*positional, **keywords)
                checked.add(node.func.attr)
    assert checked == set(adapters.__all__) - {'nms_match'}  # which is called with a list and a dict unpacked


def test_mmdet_and_mmseg_went_without_nothing():
    """They import mmcv.ops inside `try`, with None in its place when that fails."""
    code = """
import ast, inspect, sys
import swin_dense, mmdet.models, mmseg.models
count, without = 0, []
for name, module in list(sys.modules.items()):
    if name.split('.')[0] not in ('mmdet', 'mmseg') or not getattr(module, '__file__', None):
        continue
    for node in ast.walk(ast.parse(inspect.getsource(module) or '')):
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('mmcv.ops'):
            for alias in node.names:
                known = vars(module).get(alias.asname or alias.name, 'local to a function')
                count += 1
                without += [name] * (known is None)
print(count > 30, *without)
"""
    assert run(code)[-1] == 'True'


def forget(monkeypatch, *modules):
    """Have modules imported anew, and what was imported forgotten after the test, whether they were there or not."""
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    'failure', ['RuntimeError("operator torchvision::nms does not exist")', 'OSError("libcudart")']
)
def test_a_broken_torchvision_is_no_torchvision(tmp_path, monkeypatch, failure):
    (tmp_path / 'torchvision').mkdir()
    (tmp_path / 'torchvision' / '__init__.py').write_text(f'raise {failure}')
    monkeypatch.syspath_prepend(tmp_path)
    forget(monkeypatch, 'torchvision')
    assert torchvision_kernels.load.__wrapped__() is None


def test_torchvision_is_found(tmp_path, monkeypatch):
    (tmp_path / 'torchvision').mkdir()
    (tmp_path / 'torchvision' / '__init__.py').write_text('')
    (tmp_path / 'torchvision' / 'ops.py').write_text('nms = "compiled"')
    monkeypatch.syspath_prepend(tmp_path)
    forget(monkeypatch, 'torchvision', 'torchvision.ops')
    assert torchvision_kernels.load.__wrapped__().nms == 'compiled'


def test_the_compiler_is_reported_as_none():
    """mmcv's and mmdet's environment reports call these, they must not raise."""
    assert 'swin_dense' in ops.get_compiler_version()
    assert 'swin_dense' in ops.get_compiling_cuda_version()
