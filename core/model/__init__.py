"""Pure rules: no I/O, no clock, no foreign library that does either."""
