"""The model files: finding, pairing, converting, downloading, deleting."""
