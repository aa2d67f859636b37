"""The edges over HTTP: multipart for anybody, and the validation protocol."""
