"""What a user reads when a decoder gives up."""

import pytest

from swin_dense.engine.errors import run_tool


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
