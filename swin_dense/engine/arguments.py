"""What the command lines of the tools share."""

import argparse
from typing import Any

from mmengine.config import DictAction


class ConfigChanges(DictAction):
    """`--cfg-options KEY=VALUE ...`: mmengine's action, which says of a malformed word which one and why."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        for word in values:
            if '=' not in word:
                parser.error(f'argument {option_string}: {word!r} is not KEY=VALUE, without spaces around the sign')
            try:
                super().__call__(parser, namespace, [word], option_string)
            except (AssertionError, ValueError, RecursionError) as error:  # mmengine's parser recurses on dict(...)
                parser.error(
                    f'argument {option_string}: the value of {word!r} cannot be read: {error}. Lists are [1,2], tuples '
                    '(1,2); of a dict, set the keys: a.b.key=1'
                )
