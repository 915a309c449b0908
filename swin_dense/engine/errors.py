"""One clear paragraph for what a user can put right; a traceback for what only a developer can.

Tools run their work through `run_tool`. `SWIN_DENSE_DEBUG=1` shows the traceback of everything.
"""

import difflib
import inspect
import os
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from mmengine import registry as mmengine_registries
from mmengine.config.utils import ConfigParsingError

USER_FAULT = 2
DEBUG_VARIABLE = 'SWIN_DENSE_DEBUG'

_NOT_REGISTERED = re.compile(r'^\W*(?P<name>[\w.]+) is not in the (?P<scope>\w+)::(?P<registry>[\w ]+) registry')
_WRONG_ARGUMENT = re.compile(
    r"unexpected keyword argument '(?P<name>\w+)'|missing \d+ required|multiple values for (keyword )?argument"
)
_UNREADABLE_IMAGE = 'failed to load image'
_NO_TYPE = 'must contain the key "type"'
_FROM_WORKER = re.compile(r'Caught (?P<error>\w+) in DataLoader worker')


class DataError(ValueError):
    """A file of the data set is missing or broken."""


class FaultsFoundError(ValueError):
    """The config or the data cannot give what was asked for: all that is wrong, each with its place and remedy."""


class TrainingError(RuntimeError):
    """Training cannot go on sensibly; what was saved so far is whole."""


# what configs, data and checkpoints can do wrong; anything else is a bug and keeps its traceback
_USER_ERRORS = (ValueError, OSError, ImportError, SyntaxError, ConfigParsingError, TrainingError)


def closest(name: str, names: Iterable[str], *, count: int = 3) -> str:
    """Say `did you mean ...?` with the most similar of `names`, or nothing."""
    found = difflib.get_close_matches(name, list(names), n=count, cutoff=0.7)
    return f' Did you mean {" or ".join(repr(match) for match in found)}?' if found else ''


def run_tool(work: Callable[[], int]) -> int:
    """Run a tool's work and give its exit code; a user's fault becomes one paragraph on stderr and code 2."""
    try:
        return work()
    except Exception as error:
        if not is_users_fault(error) or os.environ.get(DEBUG_VARIABLE):
            raise
        # on every rank: an error of one rank alone would end the run without a word
        rank = f'rank {os.environ["RANK"]}: ' if int(os.environ.get('WORLD_SIZE', '1')) > 1 else ''
        print(f'\nerror: {rank}{explain(error)}', file=sys.stderr)
        if not isinstance(error, FaultsFoundError):  # which names a place for each
            print(f'(raised at {_place(error)}; {DEBUG_VARIABLE}=1 shows the traceback)', file=sys.stderr, flush=True)
        return USER_FAULT


def is_users_fault(error: Exception) -> bool:
    if isinstance(error, KeyError):
        return _NOT_REGISTERED.search(str(error)) is not None or _NO_TYPE in str(error)
    if isinstance(error, TypeError):
        return _WRONG_ARGUMENT.search(str(error)) is not None and built_class(error) is not None
    if isinstance(error, AssertionError):  # mmcv's word for a file that no decoder can read
        return _UNREADABLE_IMAGE in str(error)
    return isinstance(error, _USER_ERRORS)


def explain(error: BaseException) -> str:
    """Put an exception into words, with a suggestion where a name was not found."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if found := _FROM_WORKER.search(text):
        # a data worker's exception arrives as the text of its traceback; the message is after the last class name
        text = text.rsplit(f'{found["error"]}: ', 1)[-1].strip()
    if found := _NOT_REGISTERED.search(text):
        text = _explain_unknown_type(found['name'], found['scope'], found['registry'])
    elif isinstance(error, TypeError) and (found := _WRONG_ARGUMENT.search(text)):
        text = _explain_wrong_argument(text, found['name'], built_class(error))
    elif not isinstance(error, (ValueError, TrainingError, AssertionError)):
        text = f'{type(error).__name__}: {text}'
        if isinstance(error, ImportError) and (cause := _first_cause(error)) is not error:
            text += f'\nWhat failed: {type(cause).__name__}: {cause}'  # mmengine names the module that was asked for
    return '\n'.join(
        textwrap.fill(line, 118, break_long_words=False, break_on_hyphens=False) for line in text.split('\n')
    )


def _explain_unknown_type(name: str, scope: str, registry_name: str) -> str:
    from swin_dense.engine.config_types import ROOTS, why_not_found  # here, because it needs `closest` of this module

    registry = next((key for key, root in ROOTS.items() if root.name == registry_name), '')
    return (
        f'type={name!r} of the config is not a registered {registry_name} (default_scope={scope!r}).'
        f'{why_not_found(name, scope, registry)}\n'
        "A class of your own has to be imported first: custom_imports = dict(imports=['its.module']) in the config."
    )


def _first_cause(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _explain_wrong_argument(text: str, name: str | None, built: Any) -> str:
    known = [key for key in inspect.signature(built).parameters if key != 'self']
    suggestion = closest(name, known) if name else ''
    return f'type={built.__name__!r} of the config: {text}.{suggestion} It takes: {", ".join(known)}.'


def built_class(error: BaseException) -> Any:
    """Give the class that mmengine was building from a config when the error was raised, if it was."""
    built, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_name == 'build_from_cfg':
            built = step.tb_frame.f_locals.get('obj_cls')
        step = step.tb_next
    return built


def names_below(registry: mmengine_registries.Registry) -> set[str]:
    """All names of a registry and its children; of children, with their scope."""
    names = {key if registry.parent is None else f'{registry.scope}.{key}' for key in registry.module_dict}
    for child in registry.children.values():
        names |= names_below(child)
    return names


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f'{frames[-1].filename}:{frames[-1].lineno}' if frames else 'an unknown place'
