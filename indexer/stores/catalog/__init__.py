"""What is known of each file, and where each chunk's vector lives."""
