"""Forms of the contracts room: shape of the input only."""
