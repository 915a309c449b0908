"""What a user reads when a decoder gives up."""

import pytest

from swin_dense.engine.errors import run_tool
from swin_dense.engine.settings import load_config


def fail(message):
    raise AssertionError(message)


def test_an_image_that_cannot_be_decoded_is_one_paragraph(capsys):
    worker = (
        'Caught AssertionError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n'
        '  File "loading.py", line 1, in transform\nAssertionError: failed to load image: train/000007.jpg\n'
    )
    assert run_tool(lambda: fail(worker)) == 2
    assert run_tool(lambda: fail('failed to load image: train/000007.jpg')) == 2
    words = capsys.readouterr().err
    assert words.count('error: failed to load image: train/000007.jpg\n') == 2
    assert 'Traceback' not in words


def test_other_assertions_are_ours():
    with pytest.raises(AssertionError, match='ours'):
        run_tool(lambda: fail('ours'))


def test_an_import_that_fails_says_what_failed(tmp_path, capsys):
    """mmengine names the module of custom_imports, and not what that imports in vain."""
    (tmp_path / 'plug_in_of_mine.py').write_text('import no_such_dependency\n')
    (tmp_path / 'c.py').write_text("custom_imports = dict(imports=['plug_in_of_mine'])\n")
    assert run_tool(lambda: load_config(tmp_path / 'c.py') and 0) == 2
    assert "No module named 'no_such_dependency'" in capsys.readouterr().err
