"""One tiny call of a provider, for somebody who wants to know how it really is."""
