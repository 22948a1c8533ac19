"""The state of a draft: arcs and rows over an immutable base, exact arithmetic, post-conditions, and making a compiled edit."""
