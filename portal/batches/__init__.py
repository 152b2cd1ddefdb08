"""Batches: one template version started with many customers from a sheet.

The words: a *batch* is one sheet with its choices; each of its *rows* becomes one contract. Rows
name customers and titles, so a batch lives in the region its contracts will live in. Nothing is
started before somebody confirms what the preview shows. Leans on `negotiation` and below.
"""
