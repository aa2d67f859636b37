"""CAdES is written: `prepare`, sign anywhere, `complete`; then unsigned attributes are added one by one."""
