"""What goes on answering: the server for agents, and the watch that keeps an index fresh."""
