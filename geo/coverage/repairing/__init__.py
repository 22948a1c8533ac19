"""The repair of a coverage: faulty cells are cut into faces, each face gets one owner, sound cells stay untouched."""
