"""Imported before the test files."""

import importlib
import warnings

with warnings.catch_warnings():
    # pytest turns warnings into errors; what other packages warn of while they are imported is not ours to mend
    warnings.simplefilter('ignore')
    importlib.import_module('mmengine.model')
