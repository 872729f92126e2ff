"""From a query to ranked hits over a committed generation."""
