"""The documentation site: pages written by hand in `pages/`, and what is made from tables and command lines."""
