"""The addresses below ``/ogc``."""
