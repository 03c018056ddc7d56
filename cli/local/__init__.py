"""The embedded cloud: an AWS emulator and a model server on this machine, with the real app deployed into them."""
