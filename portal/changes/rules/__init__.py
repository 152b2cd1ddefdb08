"""Plans and their verdict, the life of a change, outages as both see them, the minutes counted."""
