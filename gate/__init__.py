"""What is refused before any cluster is there: catalogue, language and quality of the suite itself."""
