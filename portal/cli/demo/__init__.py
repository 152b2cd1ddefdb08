"""The demo: its people, its two cases, and the story that joins them."""
