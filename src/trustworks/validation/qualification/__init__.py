"""What trusted lists say of certificates and time-stamps: the procedures of TS 119 615, as pure functions."""
