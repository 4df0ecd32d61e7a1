"""Generators and discriminators. A settings object describes a network and builds it."""
