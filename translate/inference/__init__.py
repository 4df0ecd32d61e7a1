"""Applying a trained generator to one picture or to many."""
