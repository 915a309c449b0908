"""Serves `mmcv._ext`, the compiled part of mmcv, where mmcv was installed without one.

mmcv's operators look their kernels up in `mmcv._ext` while `mmcv.ops` is imported, so one missing kernel keeps all of
mmdet from importing. The finder here is asked after all others: a compiled `mmcv._ext` is found first and is used
untouched. The module that it serves has every name: filled-in operators work, the others say so when they are called.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

EXTENSION = 'mmcv._ext'


class Extension(ModuleType):
    """The stand-in for `mmcv._ext`; operators are looked up in `swin_dense.ops.adapters` on first use."""

    def __getattr__(self, name: str) -> Any:
        # Python itself asks modules for dunder names, and takes an answer for the real thing.
        if name.startswith('_'):
            raise AttributeError(f'module {self.__name__!r} has no attribute {name!r}')
        adapters = importlib.import_module('swin_dense.ops.adapters')
        kernel = getattr(adapters, name) if name in adapters.__all__ else missing(name)
        setattr(self, name, kernel)
        return kernel


class ExtensionLoader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return Extension(spec.name, __doc__)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: attributes are made on first use."""


class ExtensionFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != EXTENSION:
            return None
        return importlib.machinery.ModuleSpec(fullname, ExtensionLoader(), origin=__file__)


def install() -> None:
    """Appends the finder to `sys.meta_path`, once: last in the list, it is asked only where no other finds anything."""
    if any(isinstance(finder, ExtensionFinder) for finder in sys.meta_path):
        return
    sys.meta_path.append(ExtensionFinder())
    # Current versions import mmcv.ops inside `try`, and keep None in its place for good when that fails.
    early = sorted({'mmdet.models', 'mmdet.structures', 'mmseg.models'} & set(sys.modules))
    if early and 'mmcv.ops' not in sys.modules:
        warnings.warn(
            f'{early[0]} was imported before swin_dense, without the operators of mmcv: its RoIAlign, NMS and others '
            f'are None. Import swin_dense first.',
            stacklevel=3,
        )


def missing(name: str) -> Callable:
    """A kernel that raises: importing `mmcv.ops` asks for it, only calling it is an error."""

    def raise_missing(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"The operator '{name}' of mmcv needs a compiled mmcv: swin_dense.ops does not fill it in. Install an mmcv "
            f'that was built with its operators for this version of torch, either a prebuilt wheel or from source, '
            f'with a C++ compiler (and nvcc for GPUs): `MMCV_WITH_OPS=1 pip install --no-build-isolation '
            f'--no-binary onedl-mmcv onedl-mmcv`. Once installed it is used in place of swin_dense.ops.'
        )

    raise_missing.__name__ = raise_missing.__qualname__ = name
    return raise_missing
