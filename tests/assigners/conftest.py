import importlib
import warnings

with warnings.catch_warnings():
    # while it is imported, mmdet warns of its own and others' old names
    warnings.simplefilter('ignore')
    importlib.import_module('mmdet.models')
