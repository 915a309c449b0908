"""docs/first_model.md, run as written: every command, its exit code, and what the document quotes of its output."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.planted import ROOT

BLOCK = re.compile(r'^```(sh|text)\n(.*?)^```$', re.DOTALL | re.MULTILINE)
EXIT_CODE = re.compile(r'# exit code (\d+)')


def blocks():
    """(commands, exit code, quoted lines) of every block of commands."""
    found = []
    for kind, text in BLOCK.findall((ROOT / 'docs' / 'first_model.md').read_text()):
        if kind == 'sh':
            said = EXIT_CODE.search(text)
            found.append((text, int(said[1]) if said else 0, []))
        else:
            found[-1][2].extend(text.splitlines())
    return found


def script(parts, folder):
    """All blocks one after another, as somebody types them; of each the output and the exit code in a file.

    Each has a shell of its own, which a command that fails unannounced ends; what it exports the next ones have.
    """
    lines = []
    for number, (commands, code, _) in enumerate(parts):
        strict = 'set -e\n' if code == 0 else ''
        exported = f'{folder}/exported'
        lines.append(
            f'(\n{strict}{commands}\ncode=$?\nexport -p > {exported}\nexit $code\n) > {folder}/{number}.out 2>&1\n'
            f'echo $? > {folder}/{number}.code\nif [ -f {exported} ]; then . {exported}; fi'
        )
    return '\n'.join(lines)


def outcomes(parts, folder):
    """(exit code, output) of each block."""
    subprocess.run(['bash', '-c', script(parts, folder)], check=False, timeout=20)
    return [
        ((folder / f'{number}.code').read_text().strip(), (folder / f'{number}.out').read_text())
        for number in range(len(parts))
    ]


def test_a_block_that_fails_ends_alone(tmp_path):
    parts = [
        ('export NAME=ring\necho one', 0, []),
        ('export LOST=1\nfalse\necho never', 0, []),
        ('echo "$NAME ${LOST:-none}"\nfalse', 1, []),
        ('export NAME=star\n(exit 3)  # exit code 3', 3, []),
        ('echo $NAME', 0, []),
    ]
    assert outcomes(parts, tmp_path) == [('0', 'one\n'), ('1', ''), ('1', 'ring none\n'), ('3', ''), ('0', 'star\n')]


def test_all_blocks_are_found():
    text = (ROOT / 'docs' / 'first_model.md').read_text()
    assert len(blocks()) == text.count('```sh\n') == 8
    assert sum(bool(quoted) for _, _, quoted in blocks()) == text.count('```text\n') == 5


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp('first_model')
    for name in ('configs', 'tools', 'swin_dense'):
        (folder / name).symlink_to(ROOT / name)
    (folder / 'outputs').mkdir()
    python = Path(sys.executable).parent
    variables = {**os.environ, 'PATH': f'{python}:{os.environ["PATH"]}', 'SWIN_DENSE_HOME': str(folder / 'home')}
    for name in ('PYTHONPATH', 'SWIN_DENSE_DEMO', 'DATASET_ROOT'):
        variables.pop(name, None)
    subprocess.run(
        ['bash', '-c', script(blocks(), folder / 'outputs')], cwd=folder, env=variables, check=False, timeout=900
    )
    return folder


@pytest.mark.parametrize('number', range(len(blocks())))
def test_commands_do_what_the_document_says(finished, number):
    _, code, quoted = blocks()[number]
    output = (finished / 'outputs' / f'{number}.out').read_text()
    assert (finished / 'outputs' / f'{number}.code').read_text().strip() == str(code), output
    assert 'Traceback' not in output
    words = ' '.join(output.split())
    for line in quoted:
        assert ' '.join(line.split()) in words, output


def test_the_model_is_trained_tested_and_predicts(finished):
    metrics = json.loads((finished / 'demo/shapes/results.json').read_text())['metrics']
    assert metrics['coco/bbox_mAP'] > 0.25
    assert metrics['coco/segm_mAP'] > 0.2
    predictions = (finished / 'demo/shapes/predictions/predictions.jsonl').read_text().splitlines()
    assert len(predictions) == len(list((finished / 'demo/own/val').iterdir()))
    assert len(list((finished / 'demo/shapes_check').glob('train_*.jpg'))) == 8
