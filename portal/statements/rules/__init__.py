"""What a month comes to, how a statement is settled, what is at risk, and replays of offers."""
