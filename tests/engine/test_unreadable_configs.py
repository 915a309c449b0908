"""Configs that cannot be read: the file, its line and what is meant are told."""

import gc
import warnings

import pytest

from swin_dense.engine.settings import load_config


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'base.py').write_text('values = dict(a=1)\n')
    yield tmp_path
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of files that mmengine leaves open where reading fails
        gc.collect()


def said(folder, text, **others):
    for name, content in {'own': text, **others}.items():
        (folder / f'{name}.py').write_text(content)
    try:
        load_config('own.py')
    except ValueError as error:
        return str(error)
    return pytest.fail('it was read')


def test_syntax(folder):
    assert said(folder, 'a = 1\nmodel = dict(a=\n') == "own.py, line 2: '(' was never closed: model = dict(a="


def test_syntax_of_a_base(folder):
    text = said(folder, "_base_ = ['middle.py']\n", middle="_base_ = 'wrong.py'\n", wrong='a = 1\n\nb = = 2\n')
    assert text.endswith('wrong.py, line 3: invalid syntax: b = = 2')


def test_a_missing_base(folder):
    text = said(folder, "_base_ = ['./basee.py']\n")
    assert text.startswith("own.py: _base_ names './basee.py', and there is no file")
    assert "base.py'?" in text


def test_a_missing_base_of_a_base(folder):
    text = said(folder, "_base_ = ['middle.py']\n", middle="_base_ = ['nowhere/none.py']\n")
    assert "middle.py: _base_ names 'nowhere/none.py'" in text


@pytest.mark.parametrize(
    ('line', 'what'),
    [
        ("pairs = [pair.split(':')[1] for pair in ['255=1']]", 'IndexError: list index out of range'),
        ("number = int('255=1')", "ValueError: invalid literal for int() with base 10: '255=1'"),
        ('number = 1 / 0', 'ZeroDivisionError: division by zero'),
        ('number = _base_.value', 'value'),
    ],
)
def test_code_that_fails(folder, line, what):
    text = said(folder, f"_base_ = ['base.py']\n{line}\n")
    assert 'own.py, line 2' in text
    assert what in text


def test_a_folder_and_a_misspelt_name(folder):
    with pytest.raises(IsADirectoryError, match=r'is a folder: name a file\. It holds base\.py'):
        load_config(folder)
    with pytest.raises(FileNotFoundError, match=r"there is no config 'bas\.py'.* Did you mean 'base\.py'"):
        load_config('bas.py')
