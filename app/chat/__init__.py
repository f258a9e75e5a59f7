"""The conversation and how it is remembered."""
