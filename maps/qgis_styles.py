"""Styles of the layers of a division for QGIS, stored in the same GeoPackage (table ``layer_styles``)."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

#: Layer: colour and width of its outline in millimetres, colour and opacity of its fill, size of its labels in points (0: none).
STYLES: dict[str, tuple[str, float, str, float, float]] = {
    "third": ("120,125,130", 0.15, "250,248,243", 1.0, 6.0),
    "second": ("30,90,150", 0.4, "255,255,255", 0.0, 8.0),
    "community": ("150,40,30", 0.7, "255,255,255", 0.0, 11.0),
    "street": ("20,20,20", 1.1, "255,255,255", 0.0, 0.0),
}


def qml(layer: str) -> str:
    """Style of a layer in QGIS's format (QML): outline, fill, and cell names.

    >>> qml("second").startswith("<!DOCTYPE qgis")
    True
    """
    line, width, fill, opacity, size = STYLES[layer]
    alpha = round(255 * opacity)
    options = {
        "color": f"{fill},{alpha}",
        "style": "solid" if opacity else "no",
        "outline_color": f"{line},255",
        "outline_style": "solid",
        "outline_width": str(width),
        "outline_width_unit": "MM",
        "joinstyle": "round",
    }
    listed = "".join(f'<Option type="QString" name={quoteattr(k)} value={quoteattr(v)}/>' for k, v in options.items())
    labels = (
        f'<labeling type="simple"><settings><text-style fieldName="name" fontSize="{size}" fontSizeUnit="Point" '
        f'textColor="{line},255"/><placement placement="1"/></settings></labeling>'
        if size
        else ""
    )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.28" styleCategories="Symbology|Labeling" labelsEnabled="{int(bool(size))}">'
        '<renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0"><symbols>'
        '<symbol type="fill" name="0" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="SimpleFill" enabled="1" pass="0" locked="0"><Option type="Map">{listed}</Option></layer>'
        f"</symbol></symbols></renderer-v2>{labels}</qgis>"
    )
