"""What mmcv compiles, on torch operators: `extension` serves it to mmcv, the other files are the operators.

The operators are plain functions of tensors, for CPU and GPU alike. They compute in float32 at least and return the
dtype of their input. `adapters` gives them the names and signatures of mmcv's compiled module, whose callers hand in
the output tensors. Nothing is imported here, so that `import swin_dense` stays light.
"""
