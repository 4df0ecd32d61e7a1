"""Weights of other people: read without trusting them, recognised, converted, fetched."""
