"""The command ``httpc``; needs the extra ``cli``."""
