"""Pictures that only the desktop can give: clipboard, drag and drop, the screen."""
