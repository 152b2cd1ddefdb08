"""Tests of the SLA clock."""
