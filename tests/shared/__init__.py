"""Helpers that tests of several folders use; this folder's parent is on the path of every one of them."""
