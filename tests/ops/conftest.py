"""Imported before the test files, whose imports of mmcv.ops (sorted first) need the stand-in for mmcv's extension."""

import importlib
import warnings

import swin_dense  # noqa: F401

with warnings.catch_warnings():
    # pytest turns warnings into errors; what other packages warn of while they are imported is not ours to mend
    warnings.simplefilter('ignore')
    for name in ('mmcv.ops', 'mmdet.models', 'mmseg.models'):
        importlib.import_module(name)
