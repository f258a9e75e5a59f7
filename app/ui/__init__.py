"""The window. The only room, with capture.qt, that knows Qt."""
