"""Shapes, values, cursors, problems and operations of the API."""
