"""The command line: one small module a command, and the only code that prints or exits."""
