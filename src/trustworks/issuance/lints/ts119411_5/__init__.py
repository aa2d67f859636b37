"""Lints of TS 119 411-5: qualified certificates of web sites as browsers take them."""
