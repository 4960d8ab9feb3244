"""Keeps the 1177 complaints service as git says it should be."""

__version__ = "0.1.0"
