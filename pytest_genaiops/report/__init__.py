"""Pure renderers: records in, text out."""
