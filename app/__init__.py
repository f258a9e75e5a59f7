"""Spyglass: a desktop app that answers questions about pictures, on the person's own machine."""

__version__ = "0.1.0"
