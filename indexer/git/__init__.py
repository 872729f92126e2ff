"""What git keeps of a repository, read without running git: settings of a repository may name programs."""
