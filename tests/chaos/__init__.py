"""What Backstay claims to survive, done to it: `make chaos`. Bounded, on this machine alone, gone when it is over."""
