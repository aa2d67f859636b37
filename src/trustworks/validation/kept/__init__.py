"""What a verdict was made from, kept in one file, and the verdict made again from that file alone."""
