"""Conversion on many machines, which Ray spreads: the only place that knows it."""
