"""The HTTP routes: each parses the request, calls one function, and formats the answer."""
