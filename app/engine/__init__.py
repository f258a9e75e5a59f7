"""The engine: models run in a process of their own; the rest of the program sees jobs go in and events come out."""
