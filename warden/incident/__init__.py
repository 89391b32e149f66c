"""The record of what went wrong: written apart from every safety process, read by people."""
