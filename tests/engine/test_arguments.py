"""`--cfg-options` on the command line: words that are no KEY=VALUE."""

import argparse

import pytest

from swin_dense.engine.arguments import ConfigChanges


def parse(*words):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigChanges)
    return parser.parse_args(['--cfg-options', *words]).cfg_options


def test_values_are_read_as_mmengine_reads_them():
    assert parse('a.b=4', 'c=[1,2]', 'd=(x,0.5)', 'e=a=b') == {'a.b': 4, 'c': [1, 2], 'd': ('x', 0.5), 'e': 'a=b'}


@pytest.mark.parametrize(
    ('word', 'message'),
    [('max_epochs', 'is not KEY=VALUE'), ('a.b=[1,2', 'cannot be read'), ('a=dict(b=1,c=2)', 'set the keys')],
)
def test_a_malformed_word_is_named(capsys, word, message):
    with pytest.raises(SystemExit) as stop:
        parse('x=1', word)
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert repr(word) in said
    assert message in said
