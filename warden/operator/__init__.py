"""What an operator's programs (console, command line) share: the stop, the link, the picture."""
