"""The thirteen coherence checks, grouped by what they speak of."""
