"""Pages of the server other than maps: frame, common navigation, first page, duty pages and the editor."""
