"""Fakes with faults, for the tests of people who write targets, and for our own."""
