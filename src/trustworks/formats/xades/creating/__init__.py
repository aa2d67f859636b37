"""XAdES is written: `prepare`, sign anywhere, `complete`; then unsigned properties are added one by one."""
