"""The whole job path in one thread, on simulated time, in any order that a seed thinks of.

`clockwork` must be imported before anything of Backstay: it puts its time, locks and threads in place of the real ones,
in this process and for good. So a simulation has a process of its own: `python -m tests.simulation`.
"""
