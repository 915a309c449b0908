"""Imported before the test files: mmdet and mmseg warn of themselves while they are imported."""

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    importlib.import_module('mmseg.models')
    importlib.import_module('mmdet.models')
