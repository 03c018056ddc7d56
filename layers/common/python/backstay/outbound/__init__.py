"""Calls to hosts that others named: one check of addresses, and a sender that connects to what was checked."""
