"""Where pictures come from: files, the clipboard, the screen, cameras."""
