"""Running the portal: checks with the line that mends each, health for a load balancer, backups.

Words: a *check* is one thing that should hold, with how to mend it; a *backup* is a folder of
encrypted parts with a manifest; a *gap* is what a restored log lacks of what was signed before.
Leans on every room whose records it looks at; nothing leans on it but the console and `app`.
"""
