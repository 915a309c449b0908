"""Prediction of images with trained models: `Predictor` for arrays and files, `tools/predict.py` for folders."""
