"""Evidence from the Internet within bounds: judging, fetching what is missing, judging again."""
