"""From barriers and buildings to an exact coverage of the street by atoms, the smallest pieces that a division moves."""
