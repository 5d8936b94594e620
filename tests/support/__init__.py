"""What tests of several parts share; pytest finds it as `support`."""
