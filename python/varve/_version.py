"""The version of the Python package, sent to the server with every call."""

__version__ = "0.1.0"
