"""Translate: the text in a picture, read and given back in another language, where it stands."""
