"""Statistics of counts per cell: rates, spatial association, hot spots and trends."""
