"""What the signed terms say about the end of the contract: pure dates, prices and conditions."""
