"""What the operator decides: home folder, regions, addresses, mail. Read once, from the
environment and `counterpart.toml` in the home folder."""
