"""Drawn datasets: each is painted by a program, so that results can be scored by rule."""
