"""The steps of the GitHub Action, for any CI."""
