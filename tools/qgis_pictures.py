"""Draws the pictures of docs/zh/qgis.md with headless QGIS; run by the Python of the QGIS installation.

``QT_QPA_PLATFORM=offscreen /usr/bin/python3 tools/qgis_pictures.py http://127.0.0.1:8000/ogc maps/static/pages``
"""

import sys
from pathlib import Path


def main(base: str, folder: Path) -> None:
    """Write the dialog of a new connection and a map of three layers."""
    from qgis.core import QgsApplication, QgsMapRendererParallelJob, QgsMapSettings, QgsVectorLayer
    from qgis.gui import QgsGui, QgsNewHttpConnection
    from qgis.PyQt.QtCore import QSize
    from qgis.PyQt.QtGui import QColor
    from qgis.PyQt.QtWidgets import QComboBox, QLineEdit

    application = QgsApplication([], True)
    application.initQgis()
    QgsGui.editorWidgetRegistry().initEditors()
    dialog = QgsNewHttpConnection(None, QgsNewHttpConnection.ConnectionWfs, "qgis/connections-wfs/")
    for name, text in (("txtName", "wangge"), ("txtUrl", "http://127.0.0.1:8000/ogc")):
        dialog.findChild(QLineEdit, name).setText(text)
    version = dialog.findChild(QComboBox, "cmbVersion")
    version.setCurrentIndex(version.count() - 1)
    dialog.resize(720, 640)
    dialog.show()
    application.processEvents()
    dialog.grab().save(str(folder / "qgis-connection.png"))
    layers = []
    for name, colour, width in (("community", "#1f5f8b", 0.9), ("second", "#b35900", 0.5), ("third", "#8795a3", 0.15)):
        layer = QgsVectorLayer(f"url='{base}' typename='{name}' pagingEnabled='true'", name, "OAPIF")
        symbol = layer.renderer().symbol()
        symbol.setColor(QColor(0, 0, 0, 0))
        symbol.symbolLayer(0).setStrokeColor(QColor(colour))
        symbol.symbolLayer(0).setStrokeWidth(width)
        layers.append(layer)
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[0].crs())
    settings.setOutputSize(QSize(1000, 700))
    settings.setExtent(layers[0].extent())
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(str(folder / "qgis-map.png"))
    print([layer.isValid() for layer in layers])
    application.exitQgis()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
