"""Processes that read what strangers send, bounded in time and memory by the kernel, one request at a time.

`outside` starts and asks them, `inside` is what they run, `channel` how both talk.
"""
