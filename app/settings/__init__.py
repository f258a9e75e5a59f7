"""The person's choices: one list of settings drives the file, the defaults and the dialog."""
