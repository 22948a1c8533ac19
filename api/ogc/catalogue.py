"""The collections, the right required for each, and their properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from api.access import Right
from api.ogc.properties import Property
from geo.layers import Level


@dataclass(frozen=True)
class Collection:
    """One collection.

    Attributes
    ----------
    right
        The right required to read it; None: public.
    geometry
        Geometry format of part 5, without ``geometry-``.
    time
        Meaning of ``datetime``: the version in force, a local day, a time property of the features, or none.
    level
        The layer of the division that it serves.
    draft
        Number of the draft that it serves.
    editing
        The rights required to create features, and to replace, update and delete them.
    """

    id: str
    zh: str
    en: str
    about_zh: str
    about_en: str
    properties: tuple[Property, ...]
    right: Right | None = None
    geometry: Literal["polygon-or-multipolygon", "point"] = "polygon-or-multipolygon"
    time: Literal["version", "day", "instant", "none"] = "version"
    time_property: str | None = None
    level: Level | None = None
    draft: int | None = None
    editing: tuple[Right, Right] | None = None

    @property
    def title(self) -> str:
        """Title in both languages."""
        return f"{self.zh} {self.en}"

    @property
    def tiled(self) -> bool:
        """Whether it has vector tiles: the four layers."""
        return self.level is not None and self.time == "version"

    @property
    def deletable(self) -> bool:
        """Whether features may be deleted: incidents, and cells of drafts that have neighbours under their parent."""
        return self.editing is not None and self.level in (None, Level.SECOND, Level.THIRD)

    def property(self, name: str) -> Property | None:
        """The property with this name."""
        return next((entry for entry in self.properties if entry.name == name), None)


_CODE = Property("code", "string", "编码", "code", role="id")
_NAME = Property("name", "string", "名称", "name")
_PARENT = Property("parent", "string", "上级编码", "code of the parent")
_DAY = Property("day", "date", "日期", "local day", role="primary-instant")

#: Public properties of the layers; further columns of a source are stored but not served.
LAYER_PROPERTIES = (
    _CODE,
    _NAME,
    Property("level", "integer", "层级", "level"),
    _PARENT,
    Property("area_m2", "number", "面积（平方米）", "area on the ellipsoid", unit="m2"),
    Property("population", "number", "人口", "residents"),
    Property("households", "number", "户数", "households"),
    Property("units", "number", "单位数", "shops, offices and other bodies"),
    Property("workload", "number", "工作量", "workload"),
    Property("leader", "string", "格长", "leader"),
    Property("valid_from", "date", "生效日期", "valid from"),
    Property("valid_to", "date", "失效日期", "valid to"),
)

_LAYERS = (
    (Level.STREET, "街道", "Street", "整个街道的范围", "the area of the street"),
    (Level.COMMUNITY, "社区、园区（一级网格）", "Communities", "社区和园区", "communities and parks, the first level"),
    (Level.SECOND, "二级网格", "Second-level grids", "每格一名格长", "one leader each"),
    (Level.THIRD, "三级网格", "Third-level grids", "最小的网格", "the smallest cells"),
)

INCIDENTS = Collection(
    "incidents",
    "案件",
    "Incidents",
    "上报的问题，已并入更正；不含上报人",
    "reported problems with their corrections applied; without reporters",
    (
        Property("id", "integer", "序号", "identifier", role="id"),
        Property("number", "string", "案件编号", "number", editable=True),
        Property("reported_at", "datetime", "上报时间", "reported at", role="primary-instant", editable=True),
        Property("received_at", "datetime", "接收时间", "received at"),
        Property("kind", "string", "类别", "kind", editable=True),
        Property("text", "string", "内容", "text", editable=True),
        Property("address", "string", "地址", "address", editable=True),
        Property("third", "string", "三级网格", "third-level grid"),
        Property("second", "string", "二级网格", "second-level grid"),
        Property("community", "string", "社区", "community"),
        Property("corrections", "integer", "更正次数", "number of corrections"),
    ),
    right=Right.SEE_INCIDENTS,
    geometry="point",
    time="instant",
    time_property="reported_at",
    editing=(Right.SEND_INCIDENTS, Right.CORRECT_INCIDENTS),
)

HOT_SPOTS = Collection(
    "hotspots",
    "案件热点",
    "Hot spots of incidents",
    "各二级、三级网格的案件数与 Gi* 检验；datetime 选取案件的时间段",
    "incidents of each second and third-level grid with the Gi* test; datetime selects the incidents",
    (
        _CODE,
        _NAME,
        Property("level", "integer", "层级", "level"),
        Property("incidents", "integer", "案件数", "incidents"),
        Property("z", "number", "Gi* 值", "Gi*"),
        Property("p", "number", "p 值", "p value"),
        Property("q", "number", "q 值", "p value adjusted for the number of tests"),
        Property("hot", "boolean", "热点", "hot"),
    ),
    right=Right.SEE_INCIDENTS,
    time="instant",
)

VERDICTS = Collection(
    "verdicts",
    "巡查核验结论",
    "Verdicts of a day",
    "某一天各二级网格的核验结论；datetime 为日期，默认当天",
    "the verdict of each second-level grid on a day; datetime is the day, by default today",
    (
        _CODE,
        _NAME,
        _DAY,
        Property("verdict", "string", "结论", "met, short, not_visited or unknown"),
        Property("visits", "integer", "巡查次数", "visits counted"),
        Property("required", "integer", "要求次数", "visits required"),
        Property("uncounted", "integer", "未计入次数", "visits not counted"),
        Property("probability", "number", "达标概率", "probability that the required visits were made"),
        Property("reason_zh", "string", "说明", "reason in Chinese"),
        Property("reason_en", "string", "英文说明", "reason in English"),
    ),
    right=Right.SEE_VERDICTS,
    time="day",
    time_property="day",
    level=Level.SECOND,
)

COVERAGE = Collection(
    "coverage",
    "巡查覆盖",
    "Coverage of a day",
    "某一天各三级网格被看到的面积份额；datetime 为日期，默认当天",
    "the share of each third-level grid that was seen on a day; datetime is the day, by default today",
    (
        _CODE,
        _NAME,
        _DAY,
        Property("seen", "boolean", "是否看到", "some of it was seen"),
        Property("swept_share", "number", "覆盖份额", "share of the area that was seen"),
        Property("swept_m2", "number", "覆盖面积（平方米）", "area that was seen", unit="m2"),
        Property("time_s", "number", "停留时间（秒）", "time spent in it", unit="s"),
    ),
    right=Right.SEE_VERDICTS,
    time="day",
    time_property="day",
    level=Level.THIRD,
)

COLLECTIONS = (
    *(
        Collection(level.layer, zh, en, about_zh, about_en, LAYER_PROPERTIES, level=level)
        for level, zh, en, about_zh, about_en in _LAYERS
    ),
    INCIDENTS,
    HOT_SPOTS,
    VERDICTS,
    COVERAGE,
)
BY_ID = {collection.id: collection for collection in COLLECTIONS}
