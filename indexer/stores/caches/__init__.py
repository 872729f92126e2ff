"""What can only save time: a damaged cache is discarded."""
