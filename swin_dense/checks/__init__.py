"""Checks of configs, data and machine before training: what is wrong, where, and what to do about it."""
