"""Reads collections of an OGC API with QGIS and prints the result as JSON; run by the Python of the QGIS installation.

``/usr/bin/python3 tools/qgis_reader.py http://127.0.0.1:8000/ogc third second [--token TOKEN]``
"""

import json
import sys


def main(words: list[str]) -> None:
    """Read the collections given on the command line."""
    from qgis.core import Qgis, QgsApplication, QgsVectorLayer

    token = words.pop(words.index("--token") + 1) if "--token" in words else ""
    base, *names = [word for word in words if word != "--token"]
    application = QgsApplication([], False)
    application.initQgis()
    found = {"version": Qgis.QGIS_VERSION, "layers": {}}
    login = f" username='token' password='{token}'" if token else ""
    for name in names:
        layer = QgsVectorLayer(f"url='{base}' typename='{name}' pagingEnabled='true'{login}", name, "OAPIF")
        features = list(layer.getFeatures()) if layer.isValid() else []
        found["layers"][name] = {
            "valid": layer.isValid(),
            "crs": layer.crs().authid(),
            "fields": {field.name(): field.typeName() for field in layer.fields()},
            "wkt": {
                str(f["code"] if "code" in layer.fields().names() else f["number"]): f.geometry().asWkt(9)
                for f in features
            },
        }
    print(json.dumps(found))
    application.exitQgis()


if __name__ == "__main__":
    main(sys.argv[1:])
