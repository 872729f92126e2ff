"""How the basis is learned: questions and the code that answers them, of pinned packages -> vectors -> a projection."""
